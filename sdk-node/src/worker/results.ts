// What a handler returned, as a settlement within the contract's limits.
import type { JobSpec } from "../gen/rockqueue/v1/job.js";
import { JobSpec as JobSpecCodec } from "../gen/rockqueue/v1/job.js";
import type { Settlement } from "../gen/rockqueue/v1/work_service.js";
import type { PayloadCodec } from "../payloads.js";
import { refusal } from "../session/refused.js";
import { completed } from "./outcomes.js";

const RESULT_BYTES = 1024 * 1024;
const SETTLEMENT_BYTES = 4 * 1024 * 1024 - 1024;
const NOTHING = new Uint8Array();

/** A settlement, about how large it is, and what was wrong with the result if it could not be taken. */
export interface SettledResult {
  readonly settlement: Settlement;
  readonly bytes: number;
  readonly problem?: string;
}

/** The settlement for a handler that returned; a failure for good when its result cannot be stored. */
export function settleCompleted(
  token: Uint8Array,
  result: unknown,
  followUps: JobSpec[],
  codec: PayloadCodec,
): SettledResult {
  let data: Uint8Array = NOTHING;
  let contentType = "";
  if (result !== undefined && result !== null) {
    try {
      ({ data, contentType } = codec.encode(result));
    } catch (error) {
      const problem = `the result cannot be encoded: ${error instanceof Error ? error.message : String(error)}`;
      return { settlement: refusal(token, "PAYLOAD_ERROR", problem, true), bytes: 0, problem };
    }
  }
  const more = followUps.reduce((sum, spec) => sum + JobSpecCodec.encode(spec).finish().length, 0);
  if (data.length > RESULT_BYTES || data.length + more > SETTLEMENT_BYTES) {
    const problem = `a result may have ${RESULT_BYTES} bytes, and ${SETTLEMENT_BYTES} with its follow-ups`;
    return { settlement: refusal(token, "LIMIT_EXCEEDED", problem, true), bytes: 0, problem };
  }
  return { settlement: completed(token, data, contentType, followUps), bytes: data.length + more };
}
