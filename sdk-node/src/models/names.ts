// The names of states, reasons and event types: those of the contract without their prefix.
import * as events from "../gen/rockqueue/v1/event_service.js";
import * as flows from "../gen/rockqueue/v1/flow_service.js";
import * as jobs from "../gen/rockqueue/v1/job.js";
import * as explanations from "../gen/rockqueue/v1/job_service.js";
import * as webhooks from "../gen/rockqueue/v1/webhook_service.js";
import * as work from "../gen/rockqueue/v1/work_service.js";

/** Where a job is in its life. UNKNOWN stands for a state that a newer server has and this version does not. */
export type JobState = "WAITING" | "DELAYED" | "ACTIVE" | "BLOCKED" | "COMPLETED" | "DEAD" | "CANCELLED" | "UNKNOWN";

/** Why a job is DEAD. UNKNOWN stands for a reason that this version does not know. */
export type DeadReason = "ATTEMPTS_EXHAUSTED" | "NON_RETRYABLE" | "EXPIRED" | "PARENT_FAILED" | "POISONED" | "UNKNOWN";

type Unprefixed<Name, Prefix extends string> = Name extends `${Prefix}${infer Rest}`
  ? Exclude<Rest, "UNSPECIFIED">
  : never;

/** What happened: `"JOB_PUSHED"`, `"JOB_COMPLETED"`, `"QUEUE_PAUSED"` and so on. */
export type EventType = Unprefixed<keyof typeof events.EventType, "EVENT_TYPE_">;

/** How a flow fares: all its jobs completed, some are DEAD (FAILED), or some were cancelled. UNKNOWN: a newer server's. */
export type FlowState = Unprefixed<keyof typeof flows.FlowState, "FLOW_STATE_"> | "UNKNOWN";

/** Why a job is where it is: `"QUEUE_PAUSED"`, `"NO_WORKER"` and so on. UNKNOWN stands for a newer server's. */
export type ExplanationKind = Unprefixed<keyof typeof explanations.ExplanationKind, "EXPLANATION_KIND_"> | "UNKNOWN";

/** How a delivery of a webhook fares. UNKNOWN stands for a state that this version does not know. */
export type WebhookDeliveryState =
  | Unprefixed<keyof typeof webhooks.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_">
  | "UNKNOWN";

/** How a worker session fares. UNKNOWN stands for a state that this version does not know. */
export type WorkerInfoState = Unprefixed<keyof typeof work.WorkerState, "WORKER_STATE_"> | "UNKNOWN";

/** The state for a number of the contract; UNKNOWN for one that this version does not know. */
export function jobState(value: number): JobState {
  return (STATES.get(value) as JobState | undefined) ?? "UNKNOWN";
}

/** The number of a state in the contract. Throws a TypeError for a name that is none. */
export function stateNumber(state: JobState): jobs.JobState {
  return numberOf(STATES, state, "a job state");
}

/** The reason for a number of the contract; undefined when the job is not DEAD. */
export function deadReason(value: number): DeadReason | undefined {
  return value === 0 ? undefined : ((DEAD_REASONS.get(value) as DeadReason | undefined) ?? "UNKNOWN");
}

/** The type for a number of the contract; undefined for one to skip because this version does not know it. */
export function eventType(value: number): EventType | undefined {
  return EVENT_TYPES.get(value);
}

/** The number of an event type in the contract. Throws a TypeError for a name that is none. */
export function eventNumber(type: EventType): events.EventType {
  return numberOf(EVENT_TYPES, type, "an event type");
}

/** The state of a flow for a number of the contract. */
export function flowState(value: number): FlowState {
  return (FLOW_STATES.get(value) as FlowState | undefined) ?? "UNKNOWN";
}

/** The number of a flow's state in the contract. Throws a TypeError for a name that is none. */
export function flowStateNumber(state: FlowState): flows.FlowState {
  return numberOf(FLOW_STATES, state, "a state of a flow");
}

/** The reason for a number of the contract. */
export function explanationKind(value: number): ExplanationKind {
  return (EXPLANATION_KINDS.get(value) as ExplanationKind | undefined) ?? "UNKNOWN";
}

/** The state of a delivery for a number of the contract. */
export function deliveryState(value: number): WebhookDeliveryState {
  return (DELIVERY_STATES.get(value) as WebhookDeliveryState | undefined) ?? "UNKNOWN";
}

/** The number of a delivery's state in the contract. Throws a TypeError for a name that is none. */
export function deliveryStateNumber(state: WebhookDeliveryState): webhooks.WebhookDeliveryState {
  return numberOf(DELIVERY_STATES, state, "a state of a delivery");
}

/** The state of a worker session for a number of the contract. */
export function workerState(value: number): WorkerInfoState {
  return (WORKER_STATES.get(value) as WorkerInfoState | undefined) ?? "UNKNOWN";
}

function byNumber(values: Readonly<Record<string, string | number>>, prefix: string): Map<number, string> {
  const named = Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  const known = named.filter(([, number]) => number !== 0);
  return new Map(known.map(([name, number]) => [number, name.slice(prefix.length)]));
}

function numberOf(names: ReadonlyMap<number, string>, wanted: string, what: string): number {
  for (const [number, name] of names) {
    if (name === wanted) {
      return number;
    }
  }
  throw new TypeError(`"${wanted}" is not ${what}; there are: ${[...names.values()].join(", ")}`);
}

const STATES = byNumber(jobs.JobState, "JOB_STATE_");
const DEAD_REASONS = byNumber(jobs.DeadReason, "DEAD_REASON_");
const EVENT_TYPES = byNumber(events.EventType, "EVENT_TYPE_") as Map<number, EventType>;
const FLOW_STATES = byNumber(flows.FlowState, "FLOW_STATE_");
const EXPLANATION_KINDS = byNumber(explanations.ExplanationKind, "EXPLANATION_KIND_");
const DELIVERY_STATES = byNumber(webhooks.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_");
const WORKER_STATES = byNumber(work.WorkerState, "WORKER_STATE_");
