// The error for a job that ended without a result.
import { type ErrorDetails, RockQueueError } from "../errors.js";
import type { Job } from "./job.js";

/** The job one waited for is DEAD or CANCELLED; see `job`. */
export class JobFailed extends RockQueueError {
  protected static override readonly kind: string = "JobFailed";
  protected static override readonly defaultCode = "ABORTED";

  /** The job as it ended. */
  readonly job: Job | undefined;

  constructor(message: string, details: ErrorDetails & { job?: Job } = {}) {
    super(message, details);
    this.job = details.job;
  }

  /** The error for a job that finished without completing. */
  static of(job: Job): JobFailed {
    const last = job.errors.at(-1);
    const detail = last === undefined ? "" : `: ${last.type}: ${last.message}`;
    const why = job.deadReason === undefined ? "" : ` (${job.deadReason})`;
    const metadata = { job_id: job.id, state: job.state };
    return new JobFailed(`job ${job.id} is ${job.state}${why}${detail}`, { metadata, job });
  }
}
