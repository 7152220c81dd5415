// What a retry policy means in time. The server decides; this tells people what it will decide.
import { checkedMs, type Milliseconds } from "./durations.js";
import type { RetryPolicy } from "./options.js";

const GROWTH: Record<NonNullable<RetryPolicy["kind"]>, (failures: number) => number> = {
  fixed: () => 1,
  linear: (failures) => failures,
  exponential: (failures) => 2 ** (failures - 1),
};

/**
 * The pause before a job is tried again after so many failures (1 for the first), in milliseconds: at least `shortest`, at
 * most `longest`. The two differ by the policy's jitter.
 *
 * @example
 * retryPause({ base: 1000, jitter: 0.1 }, 3); // { shortest: 3600, longest: 4400 }
 */
export function retryPause(policy: RetryPolicy, failures: number): { shortest: Milliseconds; longest: Milliseconds } {
  const { kind = "exponential", base = 1_000, maxDelay = 3_600_000, jitter = 0.1 } = policy;
  if (!Number.isInteger(failures) || failures < 1) {
    throw new RangeError(`failures must be 1 or more, not ${failures}`);
  }
  const pause = Math.min(checkedMs(base, "base") * GROWTH[kind](failures), checkedMs(maxDelay, "maxDelay"));
  return { shortest: pause * (1 - jitter), longest: pause * (1 + jitter) };
}
