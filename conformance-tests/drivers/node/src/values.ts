// From the runner's messages to values of `rockqueue`, and back: fields have the same names on both sides.
import * as rockqueue from "rockqueue";
import type { Duration } from "./gen/google/protobuf/duration.js";
import type { Timestamp } from "./gen/google/protobuf/timestamp.js";
import * as pb from "./gen/rockqueue/conformance/v1/driver.js";

const KINDS = [
  ...["RockQueueError", "InvalidRequest", "LimitExceeded", "FlowCycle", "PayloadError", "NotFound", "JobNotFound"],
  ...["QueueNotFound", "ScheduleNotFound", "FlowNotFound", "WebhookNotFound", "WebhookDeliveryNotFound"],
  ...["InvalidState", "LeaseLost", "UniqueConflict", "ResourceExhausted", "QueueFull", "StorageFull", "Overloaded"],
  ...["BackupExists", "BackupsOff", "CursorExpired", "Unavailable", "DeadlineExceeded", "ServerError", "JobFailed"],
  "ClientClosed",
] as const;

const MOMENT = /Time$|^created/;

/** The fields that are set, as options; but those named. */
export function given(message: object, ...leftOut: string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    const option = leftOut.includes(name) || isUnset(value) ? undefined : plain(name, value);
    if (option !== undefined) {
      options[name] = option;
    }
  }
  return options;
}

function isUnset(value: unknown): boolean {
  const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || value === "" || value === false || empty;
}

/** What `rockqueue` takes for a value of a message. */
function plain(name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || name === "headers") {
    return value;
  }
  if ("seconds" in value && "nanos" in value) {
    const time = ms(value as Duration);
    return MOMENT.test(name) ? new Date(time) : time;
  }
  return given(value);
}

/** A duration in milliseconds. */
export function ms({ seconds, nanos }: Duration): number {
  return seconds * 1000 + nanos / 1e6;
}

function timestamp(date: Date | undefined): Timestamp | undefined {
  if (date === undefined) {
    return undefined;
  }
  const seconds = Math.floor(date.getTime() / 1000);
  return { seconds, nanos: Math.round((date.getTime() - seconds * 1000) * 1e6) };
}

/** A payload or result to give to the SDK. */
export function valueIn(value: pb.Value | undefined): unknown {
  switch (value?.value?.$case) {
    case "json":
      return JSON.parse(value.value.value);
    case "raw":
      return value.value.value;
    case "letters":
      return "x".repeat(value.value.value);
    case "unwritable":
      return Number.NaN;
    default:
      return undefined;
  }
}

/** A payload or result that the SDK gave, or its error. */
export function valueOut(get: () => unknown): pb.Value {
  try {
    const value = get();
    if (value instanceof Uint8Array) {
      return { value: { $case: "raw", value } };
    }
    return { value: { $case: "json", value: JSON.stringify(value ?? null) } };
  } catch (error) {
    return { value: { $case: "undecodable", value: errorOut(error) } };
  }
}

/** A job to push. */
export function newJob(job: pb.NewJob): rockqueue.NewJob {
  const options = given(job, "queue", "name", "payload");
  return { ...options, queue: job.queue, name: job.name, payload: valueIn(job.payload) };
}

/** What the SDK's object says under the names of a message's fields, moments as the message has them. */
export function told(source: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of namesOf(source)) {
    const value = (source as Record<string, unknown>)[name];
    fields[name] = value instanceof Date ? timestamp(value) : value;
  }
  return fields;
}

// What is a getter, as in JobContext, is a field too; payload and result are decoded by `valueOut`.
function namesOf(source: object): string[] {
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(source) as object))
    .filter(([, property]) => property.get !== undefined)
    .map(([name]) => name);
  return [...Object.keys(source), ...getters].filter((name) => !["payload", "result", "signal", "spec"].includes(name));
}

/** Where a job came from, under the names of a message's fields. */
export function originOut(origin: rockqueue.Origin | undefined): Record<string, unknown> {
  return origin === undefined ? {} : told(origin);
}

/** A job as the SDK shows it. */
export function jobOut(job: rockqueue.Job): pb.Job {
  return pb.Job.fromPartial({
    ...told(job),
    ...originOut(job.origin),
    payload: valueOut(() => job.payload),
    result: valueOut(() => job.result),
  });
}

/** A queue as the SDK shows it. */
export function queueOut(queue: rockqueue.Queue): pb.Queue {
  return pb.Queue.fromPartial({ ...told(queue), ...queue.counts, ...(queue.settings as object) });
}

/** A server as the SDK shows it. */
export function serverOut(info: rockqueue.ServerInfo): pb.ServerInfo {
  return pb.ServerInfo.fromPartial({ ...told(info), ...info.limits, capabilities: [...info.capabilities].sort() });
}

/** An event as the SDK shows it. */
export function eventOut(event: rockqueue.Event): pb.Event {
  return pb.Event.fromPartial(told(event));
}

/** An error as it came. */
export function errorOut(error: unknown): pb.Error {
  if (!(error instanceof rockqueue.RockQueueError)) {
    const usage = error instanceof TypeError || error instanceof RangeError;
    return pb.Error.fromPartial({ kinds: [usage ? "Usage" : "Unexpected"], message: String(error) });
  }
  const { code, reason, message, metadata, requestId, outcomeUnknown, violations, retryAfterMs } = error;
  const job = error instanceof rockqueue.JobFailed ? error.job : undefined;
  return pb.Error.fromPartial({
    kinds: [
      ...KINDS.filter((kind) => error instanceof rockqueue[kind]),
      ...(error instanceof rockqueue.WebhookVerificationError ? ["WebhookVerification"] : []),
    ],
    ...{ code, reason, message, metadata, requestId, outcomeUnknown },
    fields: violations.map((violation) => violation.field),
    retryAfter: timestamp(retryAfterMs === undefined ? undefined : new Date(retryAfterMs)),
    job: job && jobOut(job),
  });
}
