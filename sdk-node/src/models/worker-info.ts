// What the server knows of worker sessions, as plain values.
import { fromTimestamp, type Milliseconds, optionalMs } from "../durations.js";
import type * as work from "../gen/rockqueue/v1/work_service.js";
import { type WorkerInfoState, workerState } from "./names.js";

/** A worker that is connected, or was a moment ago. */
export interface WorkerInfo {
  readonly sessionId: string;
  /** What people call it. */
  readonly name: string;
  readonly state: WorkerInfoState;
  readonly queues: readonly string[];
  /** The SDK and its version. */
  readonly client: string;
  /** The machine that it runs on. */
  readonly host: string;
  /** Its process there. */
  readonly pid: number;
  readonly joinTime: Date;
  readonly lastHeardTime: Date;
  /** How many jobs it has. */
  readonly active: number;
  /** How many more it would take now. */
  readonly credits: number;
  /** By how many milliseconds its event loop was late at most; undefined when that is not measured. */
  readonly loopLag: Milliseconds | undefined;
  /** Its jobs whose handlers run for longer than its `stuckAfter`. */
  readonly stuckJobIds: readonly string[];
}

/** The message as a value. */
export function workerInfo(message: work.Worker): WorkerInfo {
  const { sessionId, name, queues, client, host, pid, active, credits, stuckJobIds } = message;
  return {
    ...{ sessionId, name, state: workerState(message.state), queues, client, host, pid },
    joinTime: fromTimestamp(message.joinTime),
    lastHeardTime: fromTimestamp(message.lastHeardTime),
    ...{ active, credits, loopLag: optionalMs(message.loopLag), stuckJobIds },
  };
}
