// What to settle with instead, when the server refuses a settlement. Without I/O.
import type { EntryStatus } from "../gen/rockqueue/v1/job_service.js";
import type { Settlement } from "../gen/rockqueue/v1/work_service.js";

const MESSAGE_CHARACTERS = 8_000;

/** The settlement that takes the place of a refused one; undefined when there is none left. */
export function forRefused({ leaseToken, outcome }: Settlement, status: EntryStatus): Settlement | undefined {
  switch (outcome?.$case) {
    case "complete":
    case "cancelled":
    case "snooze": {
      const forGood = status.reason === "INVALID_FIELD" || status.reason === "LIMIT_EXCEEDED";
      return refusal(leaseToken, status.reason, status.message, forGood);
    }
    case "fail":
      return { leaseToken, outcome: { $case: "release", value: {} } };
    default:
      return undefined;
  }
}

/** The outcome itself cannot be stored: the attempt has failed for that reason. */
export function refusal(leaseToken: Uint8Array, reason: string, message: string, forGood: boolean): Settlement {
  const error = { type: reason, message: message.slice(0, MESSAGE_CHARACTERS), stack: "" };
  const retry = forGood ? ({ $case: "never", value: true } as const) : undefined;
  return { leaseToken, outcome: { $case: "fail", value: { error, retry } } };
}
