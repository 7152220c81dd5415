// Which jobs a listing or a bulk change is about.
import { toTimestamp } from "./durations.js";
import type { JobFilter as FilterMessage } from "./gen/rockqueue/v1/job_service.js";
import { type JobState, stateNumber } from "./models/names.js";

/** Which jobs: all that is given must match. */
export interface JobFilter {
  /** Jobs of this queue. */
  queue?: string;
  /** Jobs in this state. */
  state?: JobState;
  /** Jobs with this name. */
  name?: string;
  /** Jobs that have all of these tags. */
  tags?: readonly string[];
  /** Jobs created at this moment or later. */
  createdFrom?: Date;
  /** Jobs created before this moment. */
  createdBefore?: Date;
}

/** The filter as the contract carries it. Throws a TypeError for a state or a date that is none. */
export function toFilter(wanted: JobFilter): FilterMessage {
  const { queue = "", state, name = "", tags = [], createdFrom, createdBefore } = wanted;
  return {
    queue,
    state: state === undefined ? 0 : stateNumber(state),
    name,
    tags: [...tags],
    createdFrom: createdFrom && toTimestamp(createdFrom, "createdFrom"),
    createdBefore: createdBefore && toTimestamp(createdBefore, "createdBefore"),
  };
}
