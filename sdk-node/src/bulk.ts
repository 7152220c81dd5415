// The calls that change many jobs: cancel, retry, delete, by ids or by filter.
import { type Caller, type CallOptions, DEFAULT_BATCH, newRequestId } from "./calls/caller.js";
import { jobMethods } from "./calls/methods.js";
import { fromEntryStatus } from "./calls/status.js";
import type { RockQueueError } from "./errors.js";
import { type JobFilter, toFilter } from "./filters.js";
import type { CancelJobsRequest, CancelJobsResponse } from "./gen/rockqueue/v1/job_service.js";
import type { BulkResult } from "./models/job.js";

/** What is to be done with jobs; `queue` is where a retry puts them, empty for their own. */
export interface Change {
  readonly kind: "cancel" | "retry" | "delete";
  readonly queue?: string;
}

/** Changes jobs named one by one. */
export async function changeMany(
  caller: Caller,
  change: Change,
  jobIds: Iterable<string>,
  options: CallOptions,
): Promise<BulkResult> {
  if (typeof jobIds === "string") {
    throw new TypeError("expected several job ids, got one string");
  }
  const all = [...jobIds];
  const failures = new Map<string, RockQueueError>();
  let affected = 0;
  for (let start = 0; start < all.length; start += DEFAULT_BATCH.entries) {
    const ids = all.slice(start, start + DEFAULT_BATCH.entries);
    const answer = await send(caller, change, { $case: "jobs", value: { ids } }, false, options);
    affected += answer.affected;
    for (const { index, status } of answer.failures) {
      if (status !== undefined) {
        failures.set(ids[index] ?? "", fromEntryStatus(status));
      }
    }
  }
  return { affected, failures };
}

/** Changes one job, or throws why not. */
export async function changeOne(caller: Caller, change: Change, jobId: string, options: CallOptions): Promise<void> {
  const { failures } = await changeMany(caller, change, [jobId], options);
  for (const error of failures.values()) {
    throw error;
  }
}

/** Changes all jobs that match, 10,000 with each call; a dry run counts up to 10,000. */
export async function changeAll(
  caller: Caller,
  change: Change,
  wanted: JobFilter,
  dryRun: boolean,
  options: CallOptions,
): Promise<number> {
  const target = { $case: "filter", value: toFilter(wanted) } as const;
  for (let affected = 0; ; ) {
    const answer = await send(caller, change, target, dryRun, options);
    affected += answer.affected;
    if (dryRun || !answer.more) {
      return affected;
    }
  }
}

function send(
  caller: Caller,
  { kind, queue = "" }: Change,
  target: CancelJobsRequest["target"],
  dryRun: boolean,
  options: CallOptions,
): Promise<CancelJobsResponse> {
  const request = { requestId: newRequestId(), target, dryRun };
  switch (kind) {
    case "cancel":
      return caller.call(jobMethods.cancelJobs, request, options);
    case "retry":
      return caller.call(jobMethods.retryJobs, { ...request, queue }, options);
    case "delete":
      return caller.call(jobMethods.deleteJobs, request, options);
  }
}
