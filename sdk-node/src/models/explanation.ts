// Why a job is where it is, or why a queue delivers nothing, as plain values.
import { optionalDate } from "../durations.js";
import type * as messages from "../gen/rockqueue/v1/job_service.js";
import { type ExplanationKind, explanationKind, type JobState, jobState } from "./names.js";

/** One reason. */
export interface Explanation {
  readonly kind: ExplanationKind;
  /** For people: what holds the job, with figures, and what to do about it. */
  readonly message: string;
  /** With DELAYED, QUEUE_RATE, GROUP_RATE: until when. */
  readonly untilTime: Date | undefined;
  /** With BLOCKED: the parents that are not finished, up to 100. */
  readonly jobIds: readonly string[];
  /** With QUEUE_MAX_ACTIVE, GROUP_MAX_ACTIVE: the limit. With BEHIND: how many jobs come first, counted up to 10,000. */
  readonly count: number;
  /** With RUNNING, CANCELLING: the worker's name. */
  readonly worker: string;
}

/** Why a job is where it is. */
export interface JobExplanation {
  readonly state: JobState;
  /** Every reason that holds now, the one that will last longest first; never empty. */
  readonly reasons: readonly Explanation[];
}

/** The message as a value. */
export function explanationOf(message: messages.Explanation): Explanation {
  const { kind, untilTime, jobIds, count, worker } = message;
  return {
    kind: explanationKind(kind),
    message: message.message,
    untilTime: optionalDate(untilTime),
    jobIds,
    count,
    worker,
  };
}

/** The message as a value. */
export function jobExplanation({ state, reasons }: messages.ExplainJobResponse): JobExplanation {
  return { state: jobState(state), reasons: reasons.map(explanationOf) };
}
