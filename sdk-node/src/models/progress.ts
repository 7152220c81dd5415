// How far a handler is.
import { optionalDate } from "../durations.js";
import type { JobProgress } from "../gen/rockqueue/v1/job.js";

/** How far a handler says it is: 0 to 100, and a line for people. */
export interface Progress {
  readonly percent: number;
  readonly message: string;
  readonly time: Date | undefined;
}

/** The message as a value; undefined when nothing was reported. */
export function progressOf(progress: JobProgress | undefined): Progress | undefined {
  if (progress === undefined) {
    return undefined;
  }
  return { percent: progress.percent, message: progress.message, time: optionalDate(progress.time) };
}
