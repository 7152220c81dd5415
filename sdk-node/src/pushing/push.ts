// PushJobs requests made of jobs that are encoded already, so that no job is encoded twice.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type BatchLimits, type Caller, type InnerCallOptions, newRequestId } from "../calls/caller.js";
import { Encoded } from "../calls/channel.js";
import { RockQueueError } from "../errors.js";
import { Durability as DurabilityNumber } from "../gen/rockqueue/v1/job.js";
import type { PushedJob } from "../models/job.js";

/** How safe a push must be before it is answered: "fsync" survives a power loss, "wal" the end of the server process only. */
export type Durability = "fsync" | "wal";

const DURABILITIES = { fsync: DurabilityNumber.DURABILITY_FSYNC, wal: DurabilityNumber.DURABILITY_WAL };

// Fields of PushJobsRequest, with their wire types.
const REQUEST_ID = (1 << 3) | 2;
const JOBS = (2 << 3) | 2;
const DURABILITY = 3 << 3;

/** The durability itself. Throws a TypeError for a word that is none. */
export function checkedDurability(value: Durability): Durability {
  if (!Object.hasOwn(DURABILITIES, value)) {
    throw new TypeError(`durability must be "fsync" or "wal", not "${value}"`);
  }
  return value;
}

/** The number of a durability in the contract. Throws a TypeError for a word that is none. */
export function durabilityNumber(value: Durability): DurabilityNumber {
  return DURABILITIES[checkedDurability(value)];
}

/** Pushes one batch under a request id of its own. */
export async function pushBatch(
  caller: Caller,
  specs: readonly Uint8Array[],
  durability: Durability,
  options: InnerCallOptions,
): Promise<PushedJob[]> {
  const requestId = newRequestId();
  const batch = new Encoded(encodeRequest(requestId, specs, durability));
  const answer = await caller.push(batch, { ...options, requestId });
  return answer.jobs.map(({ jobId, existing, replaced }) => ({ id: jobId, existing, replaced }));
}

/** Pushes in order, in as few batches as the limits allow; each batch is atomic. */
export async function pushAll(
  caller: Caller,
  specs: readonly Uint8Array[],
  durability: Durability,
  options: InnerCallOptions,
): Promise<PushedJob[]> {
  const pushed: PushedJob[] = [];
  for (const batch of cutBatches(specs, await caller.limits())) {
    try {
      pushed.push(...(await pushBatch(caller, batch, durability, options)));
    } catch (error) {
      if (error instanceof RockQueueError) {
        error.metadata.pushed = String(pushed.length);
      }
      throw error;
    }
  }
  return pushed;
}

/** Cuts jobs into batches within both limits, in order. */
export function cutBatches(specs: readonly Uint8Array[], limits: BatchLimits): (readonly Uint8Array[])[] {
  const batches: (readonly Uint8Array[])[] = [];
  let start = 0;
  let bytes = 0;
  for (const [index, spec] of specs.entries()) {
    if (index > start && (index - start >= limits.entries || bytes + spec.length > limits.bytes)) {
      batches.push(specs.slice(start, index));
      start = index;
      bytes = 0;
    }
    bytes += spec.length;
  }
  if (start < specs.length) {
    batches.push(specs.slice(start));
  }
  return batches;
}

function encodeRequest(requestId: string, specs: readonly Uint8Array[], durability: Durability): Uint8Array {
  const writer = new BinaryWriter().uint32(REQUEST_ID).string(requestId);
  for (const spec of specs) {
    writer.uint32(JOBS).bytes(spec);
  }
  return writer.uint32(DURABILITY).int32(DURABILITIES[durability]).finish();
}
