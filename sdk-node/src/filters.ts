// Which jobs a listing or a bulk change is about, and which events a stream or a webhook.
import { toTimestamp } from "./durations.js";
import type { EventFilter as EventFilterMessage } from "./gen/rockqueue/v1/event_service.js";
import type { JobFilter as FilterMessage } from "./gen/rockqueue/v1/job_service.js";
import { type EventType, eventNumber, type JobState, stateNumber } from "./models/names.js";

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
  /** Jobs of this group. */
  group?: string;
  /** Jobs of this flow. */
  flowId?: string;
  /** Jobs that this schedule pushed. */
  schedule?: string;
}

/** The filter as the contract carries it. Throws a TypeError for a state or a date that is none. */
export function toFilter(wanted: JobFilter): FilterMessage {
  const { queue = "", state, name = "", tags = [], createdFrom, createdBefore } = wanted;
  const { group = "", flowId = "", schedule = "" } = wanted;
  return {
    queue,
    state: state === undefined ? 0 : stateNumber(state),
    name,
    tags: [...tags],
    createdFrom: createdFrom && toTimestamp(createdFrom, "createdFrom"),
    createdBefore: createdBefore && toTimestamp(createdBefore, "createdBefore"),
    group,
    flowId,
    schedule,
  };
}

/** Which events: all that is given must match, within a list one match is enough. At most 100 entries in each list. */
export interface EventFilter {
  /** Events of these queues, and of their jobs. */
  queues?: readonly string[];
  /** Events of jobs with these names. */
  names?: readonly string[];
  /** Events of these types. */
  types?: readonly EventType[];
  /** Events of these jobs. */
  jobIds?: readonly string[];
  /** Events of these flows, and of their jobs. */
  flowIds?: readonly string[];
  /** Events of these schedules, and of the jobs that they pushed. */
  schedules?: readonly string[];
}

/** The filter as the contract carries it. Throws a TypeError for a type that is none. */
export function toEventFilter(wanted: EventFilter): EventFilterMessage {
  const { queues = [], names = [], types = [], jobIds = [], flowIds = [], schedules = [] } = wanted;
  return {
    queues: [...queues],
    names: [...names],
    types: types.map(eventNumber),
    jobIds: [...jobIds],
    flowIds: [...flowIds],
    schedules: [...schedules],
  };
}
