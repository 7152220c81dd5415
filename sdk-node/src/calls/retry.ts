// Which failed attempts of a call are repeated, and when: decided by the contract, never by the text of an error.
import { setTimeout as sleep } from "node:timers/promises";
import { checkedMs, type Milliseconds } from "../durations.js";
import { type Code, DeadlineExceeded, RockQueueError } from "../errors.js";
import type { Method } from "./methods.js";

// Codes after which nobody on this side knows whether a mutating call took effect (see error_reason.proto).
const UNKNOWN_OUTCOME = new Set<Code>(["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"]);

/**
 * How calls are repeated. Only calls that the contract allows to repeat are, always with the same request id. Each pause
 * is multiplied by a random factor from 0.5 to 1.5.
 */
export interface CallRetry {
  /** All attempts of a call, the first included. @defaultValue 10 */
  maxAttempts?: number;
  /** The pause after the first failure, in milliseconds, doubled by each further one. @defaultValue 100 */
  initialDelay?: Milliseconds;
  /** The longest pause before jitter, in milliseconds. @defaultValue 5000 */
  maxDelay?: Milliseconds;
  /** The longest one attempt may take while the call's own timeout lasts, in milliseconds. @defaultValue 10000 */
  attemptTimeout?: Milliseconds;
  /** A pause that the server asks for is honoured up to this, in milliseconds. @defaultValue 10000 */
  maxServerDelay?: Milliseconds;
}

/** A policy with its defaults filled in. Throws a RangeError for values that make no sense. */
export function checkedRetry(policy: CallRetry): Required<CallRetry> {
  const maxAttempts = policy.maxAttempts ?? 10;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(`retry.maxAttempts must be 1 or more, not ${maxAttempts}`);
  }
  return {
    maxAttempts,
    initialDelay: checkedMs(policy.initialDelay ?? 100, "retry.initialDelay"),
    maxDelay: checkedMs(policy.maxDelay ?? 5000, "retry.maxDelay"),
    attemptTimeout: checkedMs(policy.attemptTimeout ?? 10_000, "retry.attemptTimeout"),
    maxServerDelay: checkedMs(policy.maxServerDelay ?? 10_000, "retry.maxServerDelay"),
  };
}

/** Milliseconds to wait after the n-th failure in a row (1 for the first); `factor` is drawn from [0.5, 1.5]. */
export function backoff(failures: number, initial: number, longest: number, factor: number): number {
  return Math.min(initial * 2 ** Math.min(failures - 1, 60), longest) * factor;
}

/** A random factor that keeps callers who failed together from coming back together. */
export function spread(): number {
  return 0.5 + Math.random();
}

/** Milliseconds to wait before the next attempt; undefined when `error` is final. */
export function pauseBeforeRetry(
  policy: Required<CallRetry>,
  failures: number,
  error: RockQueueError,
  factor: number,
): number | undefined {
  if (error.code === "RESOURCE_EXHAUSTED") {
    if (error.retryAfterMs === undefined) {
      return undefined;
    }
  } else if (error.code !== "UNAVAILABLE" && error.code !== "DEADLINE_EXCEEDED") {
    return undefined;
  }
  const own = backoff(failures, policy.initialDelay, policy.maxDelay, factor);
  return Math.max(own, Math.min(error.retryAfterMs ?? 0, policy.maxServerDelay));
}

/** What one logical call brings along. */
export interface Calling {
  /** For all attempts together. */
  readonly timeoutMs: number;
  /** Undefined makes one attempt. */
  readonly policy: Required<CallRetry> | undefined;
  /** As in the request; for the error. */
  readonly requestId: string;
  /** Instead of the policy's, for calls that wait at the server. */
  readonly attemptTimeoutMs?: number;
  /** A reason that is not retried although the policy would. */
  readonly finalReason?: string;
  readonly signal?: AbortSignal;
}

/** Makes a call, repeating what may be repeated. Rejects with the last error; it knows if the outcome is unknown. */
export async function callWithRetry<Response>(
  method: Method<unknown, unknown>,
  attemptOnce: (timeoutMs: number) => Promise<Response>,
  calling: Calling,
): Promise<Response> {
  const deadline = performance.now() + calling.timeoutMs;
  const mayRepeat = method.repeatable && (calling.requestId !== "" || !method.mutating);
  const policy = mayRepeat ? calling.policy : undefined;
  let unknown = false;
  for (let failures = 1; ; failures += 1) {
    try {
      const remaining = deadline - performance.now();
      if (remaining <= 0) {
        throw new DeadlineExceeded(`${method.name}: the timeout of ${calling.timeoutMs} ms has passed`);
      }
      const longest = policy === undefined ? remaining : (calling.attemptTimeoutMs ?? policy.attemptTimeout);
      return await attemptOnce(Math.min(remaining, longest));
    } catch (error) {
      if (!(error instanceof RockQueueError)) {
        throw error;
      }
      unknown ||= UNKNOWN_OUTCOME.has(error.code);
      error.requestId = calling.requestId;
      error.outcomeUnknown = method.mutating && unknown && leavesUnknown(error);
      const again = policy !== undefined && failures < policy.maxAttempts && error.reason !== calling.finalReason;
      const pause = again ? pauseBeforeRetry(policy, failures, error, spread()) : undefined;
      if (pause === undefined || performance.now() + pause >= deadline) {
        throw error;
      }
      await pauseFor(pause, calling.signal);
    }
  }
}

/** Waits; rejects with the signal's reason when it is aborted first. */
export async function pauseFor(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? undefined : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

function leavesUnknown(error: RockQueueError): boolean {
  // A definite refusal of a repeated request id settles the matter, except one for lack of room: that one may have been
  // said before the server looked for the earlier answer.
  return UNKNOWN_OUTCOME.has(error.code) || error.code === "RESOURCE_EXHAUSTED";
}
