// What a handler throws to say what becomes of its job, and how every outcome becomes a settlement.
import { checkedMs, type Milliseconds, toDuration } from "../durations.js";
import type { JobError, JobSpec } from "../gen/rockqueue/v1/job.js";
import type { Settlement } from "../gen/rockqueue/v1/work_service.js";
import { kindsOf, markKinds, sameKind } from "../realm.js";

// The server cuts at 256 characters, 8 KiB and 32 KiB; cut here, they do not swell a batch on its way.
const TYPE_CHARACTERS = 256;
const MESSAGE_CHARACTERS = 8_000;
const STACK_CHARACTERS = 32_000;
const CAUSES = 5;

/** Base of what a handler throws on purpose. */
export class Outcome extends Error {
  protected static readonly kind: string = "Outcome";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = kindsOf(new.target)[0] ?? new.target.name;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked, which may be one that extends this one
    return sameKind(this, value);
  }
}

markKinds(Outcome);

/** The job failed and trying again is of no use: it is DEAD at once, reason NON_RETRYABLE. */
export class NonRetryable extends Outcome {
  protected static override readonly kind: string = "NonRetryable";
}

/** The attempt failed; try again after this many milliseconds, if attempts are left: `throw new RetryAfter(60_000)`. */
export class RetryAfter extends Outcome {
  protected static override readonly kind: string = "RetryAfter";
  readonly delay: Milliseconds;

  constructor(delay: Milliseconds, message = "asked to be retried", options?: ErrorOptions) {
    super(message, options);
    this.delay = checkedMs(delay, "delay");
  }
}

/** Not now: run the job again after this many milliseconds. Counts against nothing. */
export class Snooze extends Outcome {
  protected static override readonly kind: string = "Snooze";
  readonly delay: Milliseconds;

  constructor(delay: Milliseconds) {
    super("snoozed");
    this.delay = checkedMs(delay, "delay");
  }
}

/** Give the job back as it was, with its place in the order. Counts against nothing. */
export class Release extends Outcome {
  protected static override readonly kind: string = "Release";

  constructor(message = "released", options?: ErrorOptions) {
    super(message, options);
  }
}

/** The handler stopped because `ctx.signal` was aborted; throwing the signal's reason says the same. */
export class JobCancelled extends Outcome {
  protected static override readonly kind: string = "JobCancelled";

  constructor(message = "cancelled", options?: ErrorOptions) {
    super(message, options);
  }
}

/** The handler succeeded. */
export function completed(
  leaseToken: Uint8Array,
  result: Uint8Array,
  resultContentType: string,
  followUps: JobSpec[],
): Settlement {
  return { leaseToken, outcome: { $case: "complete", value: { result, resultContentType, followUps } } };
}

/** The handler threw: what that means for its job. */
export function failed(leaseToken: Uint8Array, thrown: unknown): Settlement {
  if (thrown instanceof Snooze) {
    return snoozed(leaseToken, thrown.delay);
  }
  if (thrown instanceof Release) {
    return released(leaseToken);
  }
  const error = describeError(thrown);
  if (thrown instanceof RetryAfter) {
    const retry = { $case: "retryDelay", value: toDuration(thrown.delay, "delay") } as const;
    return { leaseToken, outcome: { $case: "fail", value: { error, retry } } };
  }
  const retry = thrown instanceof NonRetryable ? ({ $case: "never", value: true } as const) : undefined;
  return { leaseToken, outcome: { $case: "fail", value: { error, retry } } };
}

/** Not now. */
export function snoozed(leaseToken: Uint8Array, delay: Milliseconds): Settlement {
  return { leaseToken, outcome: { $case: "snooze", value: { delay: toDuration(delay, "delay") } } };
}

/** Given back. */
export function released(leaseToken: Uint8Array): Settlement {
  return { leaseToken, outcome: { $case: "release", value: {} } };
}

/** Stopped because it was asked to. */
export function cancelled(leaseToken: Uint8Array): Settlement {
  return { leaseToken, outcome: { $case: "cancelled", value: {} } };
}

/** Class, message and stack of what was thrown, its causes included. */
export function describeError(thrown: unknown): JobError {
  if (!(thrown instanceof Error) && !isErrorLike(thrown)) {
    const message = asText(thrown).slice(0, MESSAGE_CHARACTERS);
    return { type: typeof thrown, message, stack: `no stack: a ${typeof thrown} was thrown, not an Error` };
  }
  const { name, message } = thrown;
  return {
    type: String(name || thrown.constructor.name || "Error").slice(0, TYPE_CHARACTERS),
    message: String(message).slice(0, MESSAGE_CHARACTERS),
    stack: stackOf(thrown).slice(-STACK_CHARACTERS),
  };
}

function stackOf(thrown: Error): string {
  const parts: string[] = [];
  let one: unknown = thrown;
  for (let depth = 0; depth < CAUSES && one !== undefined && one !== null; depth += 1) {
    const text = isErrorLike(one) ? (one.stack ?? `${one.name}: ${one.message}`) : asText(one);
    parts.push(depth === 0 ? text : `caused by ${text}`);
    one = isErrorLike(one) ? one.cause : undefined;
  }
  return parts.join("\n");
}

// Errors of another realm (a vm context, a test runner) are no `instanceof Error` here.
function isErrorLike(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && "name" in value;
}

function asText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "something that cannot be written as text";
  }
}
