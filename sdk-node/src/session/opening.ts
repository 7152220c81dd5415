// The first message of a worker stream.
import { hostname } from "node:os";
import { toDuration } from "../durations.js";
import { WorkRequest } from "../gen/rockqueue/v1/work_service.js";
import { CLIENT } from "../version.js";
import type { SessionOptions } from "./parts.js";
import { keyToken } from "./wire.js";

const HELD_LEASES = 10_000;
const HOST_CHARACTERS = 255;

/** Opens a session, or resumes the one of this id with the leases that the worker still holds. */
export function openMessage(options: SessionOptions, sessionId: string, held: readonly string[]): Uint8Array {
  const { queues, worker, leaseMs, resumeGraceMs } = options;
  const value = {
    queues: [...queues],
    worker,
    sessionId,
    heldLeases: held.slice(0, HELD_LEASES).map(keyToken),
    lease: leaseMs === undefined ? undefined : toDuration(leaseMs, "lease"),
    resumeGrace: resumeGraceMs === undefined ? undefined : toDuration(resumeGraceMs, "resumeGrace"),
    client: CLIENT,
    host: hostname().slice(0, HOST_CHARACTERS),
    pid: process.pid,
  };
  return WorkRequest.encode({ message: { $case: "open", value } }).finish();
}
