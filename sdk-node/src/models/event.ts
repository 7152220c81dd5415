// What happened, as plain values.
import { fromTimestamp, optionalDate } from "../durations.js";
import type * as events from "../gen/rockqueue/v1/event_service.js";
import {
  type DeadReason,
  deadReason,
  type EventType,
  eventType,
  type FlowState,
  flowState,
  type JobState,
  jobState,
} from "./names.js";
import { type Progress, progressOf } from "./progress.js";

/** Something that happened. `client.events({ after: event.cursor })` gives what follows it. */
export interface Event {
  /** Unique to the event. */
  readonly cursor: string;
  readonly type: EventType;
  readonly time: Date;
  /** The queue; of a schedule, that of its job. Empty for events of workers and flows. */
  readonly queue: string;
  /** The job; empty for events that are about no job. */
  readonly jobId: string;
  readonly name: string;
  readonly state: JobState | undefined;
  readonly attempt: number;
  readonly deadReason: DeadReason | undefined;
  readonly worker: string;
  readonly readyTime: Date | undefined;
  readonly progress: Progress | undefined;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly purged: number;
  /** The flow that it is about, or that its job is part of; empty for none. */
  readonly flowId: string;
  /** With FLOW_FINISHED: how. */
  readonly flowState: FlowState | undefined;
  /** The schedule that it is about, or that pushed its job; empty for none. */
  readonly schedule: string;
  /** With SCHEDULE_FIRED and SCHEDULE_SKIPPED: the due moment. */
  readonly slotTime: Date | undefined;
}

/** The message as a value; undefined for an event to skip because this version does not know its type. */
export function eventOf(message: events.Event): Event | undefined {
  const type = eventType(message.type);
  if (type === undefined) {
    return undefined;
  }
  return {
    cursor: message.cursor,
    type,
    time: fromTimestamp(message.time),
    queue: message.queue,
    jobId: message.jobId,
    name: message.name,
    state: message.state === 0 ? undefined : jobState(message.state),
    attempt: message.attempt,
    deadReason: deadReason(message.deadReason),
    worker: message.worker,
    readyTime: optionalDate(message.readyTime),
    progress: progressOf(message.progress),
    errorType: message.error?.type ?? "",
    errorMessage: message.error?.message ?? "",
    purged: message.purged,
    flowId: message.flowId,
    flowState: message.flowState === 0 ? undefined : flowState(message.flowState),
    schedule: message.schedule,
    slotTime: optionalDate(message.slotTime),
  };
}
