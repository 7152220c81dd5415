// What a producer may ask for besides the payload, and how it becomes a JobSpec.
import { type Milliseconds, toDuration, toTimestamp } from "./durations.js";
import * as pb from "./gen/rockqueue/v1/job.js";
import { asPayloadError, type PayloadCodec } from "./payloads.js";

/** When a failed attempt is repeated, and how often. A field that is left out takes the server's default. */
export interface RetryPolicy {
  /** How the pause grows with the number of failures. @defaultValue "exponential" */
  kind?: "fixed" | "linear" | "exponential";
  /** The first pause, in milliseconds. @defaultValue 1000 */
  base?: Milliseconds;
  /** The longest pause before jitter, in milliseconds. @defaultValue 3600000 (1 h) */
  maxDelay?: Milliseconds;
  /** How far chance may stretch or shorten a pause, 0 to 1. @defaultValue 0.1 */
  jitter?: number;
  /** After this many failures the job is DEAD; 1 means no retry. @defaultValue 3 */
  maxAttempts?: number;
}

/** At most one job at a time holds `key`. */
export interface Unique {
  /** 1 to 512 bytes of UTF-8. */
  key: string;
  /** Among the jobs of the queue, or those with the same name in it. @defaultValue "queue" */
  scope?: "queue" | "queue_and_name";
  /** The job holds the key until it is finished, or only until it is started. @defaultValue "finished" */
  until?: "started" | "finished";
  /** Instead of `until`: for this many milliseconds after the push, whatever becomes of the job. */
  window?: Milliseconds;
  /**
   * What a push meets that finds the key held: "return_existing" gives the holder's id; "reject" throws UniqueConflict;
   * "replace" puts payload, priority and start time of this push into the holder (a debounce).
   * @defaultValue "return_existing"
   */
  onConflict?: "return_existing" | "reject" | "replace";
}

/** Options of a push. Durations are milliseconds; undefined is the same as leaving an option out. */
export interface JobOptions {
  /** Higher first. @defaultValue 0 */
  priority?: number;
  /** Not before this many milliseconds from now. Excludes `runTime`. */
  delay?: Milliseconds;
  /** Not before this moment. Excludes `delay`. */
  runTime?: Date;
  /** DEAD (EXPIRED) when not started within this many milliseconds. Excludes `expireTime`. */
  ttl?: Milliseconds;
  /** DEAD (EXPIRED) when not started by this moment. Excludes `ttl`. */
  expireTime?: Date;
  /** The longest one attempt may run, in milliseconds. @defaultValue no limit */
  timeout?: Milliseconds;
  /** The retry policy. @defaultValue the queue's */
  retry?: RetryPolicy;
  /** `retry.maxAttempts` alone; the other fields of the policy keep their defaults. */
  maxAttempts?: number;
  /** Deliveries that may end with the worker gone. @defaultValue 3 */
  maxCrashes?: number;
  /** At most one job at a time for a key; a string is the key with the default rules. */
  unique?: Unique | string;
  /** Strings that travel with the job; 8 KiB together. */
  headers?: Readonly<Record<string, string>>;
  /** Labels to find the job by; up to 32. */
  tags?: readonly string[];
  /** What shares in turns and limits: a tenant, an account, an order. @defaultValue no group */
  group?: string;
  /** How long a handler may take to stop when it is asked to, in milliseconds. @defaultValue 10000 */
  cancelGrace?: Milliseconds;
  /** How long the finished job stays readable, in milliseconds; 0 removes it at once. @defaultValue the queue's setting */
  retention?: Milliseconds;
}

/** A job to push: what `push`, `pushMany`, `ctx.followUp`, flows and schedules take. */
export interface NewJob extends JobOptions {
  queue: string;
  name: string;
  payload?: unknown;
}

const KINDS = {
  fixed: pb.BackoffKind.BACKOFF_KIND_FIXED,
  linear: pb.BackoffKind.BACKOFF_KIND_LINEAR,
  exponential: pb.BackoffKind.BACKOFF_KIND_EXPONENTIAL,
};
const SCOPES = {
  queue: pb.UniqueScope.UNIQUE_SCOPE_QUEUE,
  queue_and_name: pb.UniqueScope.UNIQUE_SCOPE_QUEUE_AND_NAME,
};
const UNTIL = {
  started: pb.UniqueUntil.UNIQUE_UNTIL_STARTED,
  finished: pb.UniqueUntil.UNIQUE_UNTIL_FINISHED,
};
const CONFLICTS = {
  return_existing: pb.UniqueConflict.UNIQUE_CONFLICT_RETURN_EXISTING,
  reject: pb.UniqueConflict.UNIQUE_CONFLICT_REJECT,
  replace: pb.UniqueConflict.UNIQUE_CONFLICT_REPLACE,
};

/**
 * The job as the contract carries it. Throws PayloadError when the codec cannot write the payload, TypeError and RangeError
 * for options that make no sense on their own; what only the server can judge is left to it.
 */
export function buildSpec(job: NewJob, codec: PayloadCodec): pb.JobSpec {
  const { data, contentType } = encodePayload(codec, job.payload);
  const spec: pb.JobSpec = {
    queue: name(job.queue, "queue"),
    name: name(job.name, "name"),
    payload: data,
    contentType,
    headers: job.headers === undefined ? {} : { ...job.headers },
    tags: tagsOf(job.tags),
    priority: job.priority ?? 0,
    group: job.group === undefined ? "" : name(job.group, "group"),
  };
  for (const option in job) {
    const value = job[option as keyof NewJob];
    if (value !== undefined) {
      applyOption(spec, job, option);
    }
  }
  return spec;
}

function encodePayload(codec: PayloadCodec, payload: unknown): ReturnType<PayloadCodec["encode"]> {
  try {
    return codec.encode(payload);
  } catch (cause) {
    throw asPayloadError("this payload cannot be encoded", cause);
  }
}

function applyOption(spec: pb.JobSpec, job: NewJob, option: string): void {
  switch (option) {
    case "queue":
    case "name":
    case "payload":
    case "priority":
    case "headers":
    case "tags":
    case "group":
      return;
    case "delay":
    case "runTime":
      spec.start = startOf(job);
      return;
    case "ttl":
    case "expireTime":
      spec.expiry = expiryOf(job);
      return;
    case "timeout":
    case "cancelGrace":
    case "retention":
      spec[option] = toDuration(job[option] as number, option);
      return;
    case "retry":
    case "maxAttempts":
      spec.retry = toRetry({ ...job.retry, ...(job.maxAttempts !== undefined && { maxAttempts: job.maxAttempts }) });
      return;
    case "maxCrashes":
      spec.maxCrashes = job.maxCrashes;
      return;
    case "unique":
      spec.unique = toUnique(typeof job.unique === "string" ? { key: job.unique } : (job.unique as Unique));
      return;
    default:
      throw new TypeError(
        `unknown job option "${option}"; it is none of priority, delay, runTime, ttl, expireTime, timeout, retry, maxAttempts, maxCrashes, unique, headers, tags, group, cancelGrace, retention`,
      );
  }
}

function name(value: unknown, what: string): string {
  if (typeof value !== "string") {
    throw new TypeError(`${what} must be a string, not ${typeof value}`);
  }
  return value;
}

function tagsOf(tags: readonly string[] | undefined): string[] {
  if (typeof tags === "string") {
    throw new TypeError(`tags must be an array of strings, not the string "${tags}"`);
  }
  return tags === undefined ? [] : [...tags];
}

function startOf({ delay, runTime }: JobOptions): pb.JobSpec["start"] {
  if (delay !== undefined && runTime !== undefined) {
    throw new TypeError("delay and runTime exclude each other");
  }
  if (runTime !== undefined) {
    return { $case: "runTime", value: toTimestamp(runTime, "runTime") };
  }
  return { $case: "delay", value: toDuration(delay as number, "delay") };
}

function expiryOf({ ttl, expireTime }: JobOptions): pb.JobSpec["expiry"] {
  if (ttl !== undefined && expireTime !== undefined) {
    throw new TypeError("ttl and expireTime exclude each other");
  }
  if (expireTime !== undefined) {
    return { $case: "expireTime", value: toTimestamp(expireTime, "expireTime") };
  }
  return { $case: "ttl", value: toDuration(ttl as number, "ttl") };
}

/** The policy as the contract carries it. */
export function toRetry(policy: RetryPolicy): pb.RetryPolicy {
  const { kind, base, maxDelay, jitter, maxAttempts } = policy;
  return {
    kind: kind === undefined ? pb.BackoffKind.BACKOFF_KIND_UNSPECIFIED : choice(KINDS, kind, "retry.kind"),
    base: base === undefined ? undefined : toDuration(base, "retry.base"),
    maxDelay: maxDelay === undefined ? undefined : toDuration(maxDelay, "retry.maxDelay"),
    jitter,
    maxAttempts,
  };
}

function toUnique(rule: Unique): pb.UniqueKey {
  const { key, scope = "queue", until = "finished", window, onConflict = "return_existing" } = rule;
  return {
    key,
    scope: choice(SCOPES, scope, "unique.scope"),
    onConflict: choice(CONFLICTS, onConflict, "unique.onConflict"),
    until:
      window === undefined
        ? { $case: "state", value: choice(UNTIL, until, "unique.until") }
        : { $case: "window", value: toDuration(window, "unique.window") },
  };
}

/** The entry of a table for a word. Throws a TypeError, naming `option` and the words there are, for another one. */
export function choice<T>(table: Readonly<Record<string, T>>, value: string, option: string): T {
  if (!Object.hasOwn(table, value)) {
    throw new TypeError(`${option} must be one of ${Object.keys(table).join(", ")}, not "${value}"`);
  }
  return table[value] as T;
}
