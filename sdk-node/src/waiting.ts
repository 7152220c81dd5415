// Waiting for a job: long polls, one after the other.
import type { Caller, CallOptions } from "./calls/caller.js";
import { jobMethods } from "./calls/methods.js";
import { checkedMs, toDuration } from "./durations.js";
import { DeadlineExceeded } from "./errors.js";
import { Job } from "./models/job.js";
import { JobFailed } from "./models/job-failed.js";
import { jobState } from "./models/names.js";
import type { PayloadCodec } from "./payloads.js";

const POLL_MS = 30_000;
// How much longer than the wait at the server an attempt may take.
const POLL_SLACK_MS = 10_000;
// How much longer than the caller's timeout the last answer of a wait may take.
const WAIT_SLACK_MS = 1_000;

/** Long-polls until the job is finished. Rejects with DeadlineExceeded when the time is up first. */
export async function waitForJob(
  caller: Caller,
  codec: PayloadCodec,
  jobId: string,
  { timeoutMs, signal }: CallOptions,
): Promise<Job> {
  const begun = performance.now();
  const left = (): number =>
    timeoutMs === undefined ? Number.POSITIVE_INFINITY : begun + checkedMs(timeoutMs, "timeoutMs") - performance.now();
  for (;;) {
    const poll = Math.max(0, Math.min(POLL_MS, left()));
    const whole = timeoutMs === undefined ? poll + caller.timeoutMs : Math.max(0, left()) + WAIT_SLACK_MS;
    let state = "unknown";
    try {
      const request = { jobId, timeout: toDuration(poll, "timeout") };
      const options = { timeoutMs: whole, attemptTimeoutMs: poll + POLL_SLACK_MS, signal };
      const { job, finished } = await caller.call(jobMethods.waitJob, request, options);
      if (finished) {
        return new Job(job as NonNullable<typeof job>, codec);
      }
      state = jobState(job?.state ?? 0);
    } catch (error) {
      if (!(error instanceof DeadlineExceeded) || left() <= 0) {
        throw error;
      }
    }
    if (left() <= 0) {
      throw new DeadlineExceeded(`job ${jobId} is not finished after ${timeoutMs} ms (state ${state})`);
    }
  }
}

/** The decoded result of a job, once it is COMPLETED; JobFailed when it ends otherwise. */
export async function waitForResult(
  caller: Caller,
  codec: PayloadCodec,
  jobId: string,
  options: CallOptions,
): Promise<unknown> {
  const job = await waitForJob(caller, codec, jobId, options);
  if (job.state !== "COMPLETED") {
    throw JobFailed.of(job);
  }
  return job.result;
}
