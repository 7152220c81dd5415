// From JSON with the contract's names to options and values of `rockqueue`, and back.
import type * as rockqueue from "rockqueue";

/** A JSON object. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the runner wrote down
export type Json = Record<string, any>;

// Values that the SDK takes as they are.
const VERBATIM = new Set(["payload", "headers"]);
const DURATION = /^-?\d+(\.\d+)?s$/;
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
const SPEC = ["name", "cron", "interval", "time_zone", "start_time", "end_time", "max_runs", "jitter", "catch_up"];

/** Arguments as options of the SDK, but those named: names in camel case, durations in milliseconds, moments as dates. */
export function options(given: Json, ...leftOut: string[]): Json {
  const entries = Object.entries(given).filter(([name]) => !leftOut.includes(name));
  return Object.fromEntries(entries.map(([name, value]) => [camel(name), VERBATIM.has(name) ? value : plain(value)]));
}

function plain(value: unknown): unknown {
  if (typeof value === "string") {
    return DURATION.test(value) ? Number(value.slice(0, -1)) * 1000 : MOMENT.test(value) ? new Date(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  return typeof value === "object" && value !== null ? options(value) : value;
}

/** A name of the contract in the SDK's spelling. */
export function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A job to push; its payload is any value. */
export function jobIn(job: Json): rockqueue.NewJob {
  return options(job) as rockqueue.NewJob;
}

/** The timing of a schedule. */
export function timingIn(spec: Json): rockqueue.Timing {
  const { interval: every, misfire, overlap, ...rest } = options(spec, "name", "job");
  return {
    ...rest,
    ...(every !== undefined && { every }),
    ...(misfire !== undefined && { misfire: misfire.toLowerCase() }),
    ...(overlap !== undefined && { overlap: overlap.toLowerCase() }),
  };
}

/** What an object of the SDK says, with the contract's names; `spans` names the fields that are durations. */
export function out(source: object, ...spans: string[]): Json {
  const found: Json = {};
  for (const [name, value] of Object.entries(source)) {
    const written = spans.includes(name) && value !== undefined ? `${Number(value) / 1000}s` : writtenAs(value, spans);
    if (written !== undefined && written !== "" && !(Array.isArray(written) && written.length === 0)) {
      found[snake(name)] = written;
    }
  }
  return found;
}

function writtenAs(value: unknown, spans: string[]): unknown {
  if (value instanceof Date) {
    return value.toISOString().replace(/\.000Z$/, "Z");
  }
  if (Array.isArray(value)) {
    return value.map((one) => writtenAs(one, spans));
  }
  return typeof value === "object" && value !== null ? out(value, ...spans) : value;
}

/** Fields of an object that the contract has inside of it: what is left, and those. */
function split(found: Json, names: readonly string[]): [Json, Json] {
  const entries = Object.entries(found);
  const inside = entries.filter(([name]) => names.includes(name));
  return [Object.fromEntries(entries.filter(([name]) => !names.includes(name))), Object.fromEntries(inside)];
}

/** A schedule as the contract has it. */
export function scheduleOut({ job, every: interval, misfire, overlap, ...schedule }: rockqueue.Schedule): Json {
  const told = out({ ...schedule, interval }, "interval", "jitter", "catchUp");
  const [rest, spec] = split(told, SPEC);
  const policies = out({ misfire: misfire?.toUpperCase(), overlap: overlap?.toUpperCase() });
  return { spec: { ...spec, ...policies, job: { queue: job.queue, name: job.name, payload: job.payload } }, ...rest };
}

/** A flow as the contract has it, without its jobs. */
export function flowOut({ size, ...flow }: rockqueue.FlowInfo): Json {
  return { ...out({ ...flow, jobs: size }) };
}

/** A job of a flow as the contract has it. */
export function flowJobOut(job: rockqueue.FlowJob): Json {
  const parents = job.parents.map((one) => out({ ...one, onFailure: one.onFailure?.toUpperCase() }));
  return { ...out(job), ...(parents.length > 0 && { parents }) };
}

/** A webhook as the contract has it. */
export function webhookOut(webhook: rockqueue.Webhook): Json {
  const [rest, spec] = split(out(webhook), ["name", "url", "filter", "disabled"]);
  return { spec, ...rest };
}

/** A delivery as the contract has it. */
export function deliveryOut(delivery: rockqueue.WebhookDelivery): Json {
  return out(delivery, "took");
}
