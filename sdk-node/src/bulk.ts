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
    const answer = await send(caller, change, { $case: "jobs", value: { ids } }, options);
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

/** Options of a change of all jobs that match. */
export interface ChangeAllOptions extends JobFilter, CallOptions {
  /** Only count; change nothing. @defaultValue false */
  dryRun?: boolean;
  /** Called after each step of up to 10,000 jobs with how many were changed so far. */
  onProgress?: (changed: number) => void;
}

/** Changes all jobs that match, or counts them, in steps of 10,000: each goes on behind what the one before looked at. */
export async function changeAll(
  caller: Caller,
  change: Change,
  { dryRun = false, onProgress, ...options }: ChangeAllOptions,
): Promise<number> {
  const target = { $case: "filter", value: toFilter(options) } as const;
  let affected = 0;
  for (let pageToken = ""; ; ) {
    const answer = await send(caller, change, target, options, { dryRun, pageToken });
    affected += answer.affected;
    onProgress?.(affected);
    pageToken = answer.nextPageToken;
    // A server without tokens begins anew with each call, and would count the same jobs for ever.
    if (!answer.more || (dryRun && pageToken === "")) {
      return affected;
    }
  }
}

function send(
  caller: Caller,
  { kind, queue = "" }: Change,
  target: CancelJobsRequest["target"],
  { timeoutMs, signal }: CallOptions,
  step = { dryRun: false, pageToken: "" },
): Promise<CancelJobsResponse> {
  const request = { requestId: newRequestId(), target, ...step };
  const options = { timeoutMs, signal };
  switch (kind) {
    case "cancel":
      return caller.call(jobMethods.cancelJobs, request, options);
    case "retry":
      return caller.call(jobMethods.retryJobs, { ...request, queue }, options);
    case "delete":
      return caller.call(jobMethods.deleteJobs, request, options);
  }
}
