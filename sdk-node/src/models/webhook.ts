// What the server knows of webhooks and their deliveries, as plain values.
import { fromTimestamp, type Milliseconds, optionalDate, optionalMs } from "../durations.js";
import type { EventFilter as FilterMessage } from "../gen/rockqueue/v1/event_service.js";
import type * as webhooks from "../gen/rockqueue/v1/webhook_service.js";
import { type Event, eventOf } from "./event.js";
import { deliveryState, type EventType, eventType, type WebhookDeliveryState } from "./names.js";

/** Which events a webhook sends; an empty list is no restriction. */
export interface WebhookFilter {
  readonly queues: readonly string[];
  readonly names: readonly string[];
  readonly types: readonly EventType[];
  readonly jobIds: readonly string[];
  readonly flowIds: readonly string[];
  readonly schedules: readonly string[];
}

/** A webhook as the server knows it. */
export interface Webhook {
  readonly name: string;
  /** Where its requests go. */
  readonly url: string;
  /** Which events. */
  readonly filter: WebhookFilter;
  /** True: nothing is sent. Also after the receiver answered 410; see `goneTime`. */
  readonly disabled: boolean;
  readonly createTime: Date;
  /** When it was last put. */
  readonly updateTime: Date;
  /** Everything up to here is sent, or in its deliveries. */
  readonly cursor: string;
  /** How many deliveries wait for their first or next attempt. */
  readonly pending: number;
  /** Since when it is disabled because the receiver answered 410. */
  readonly goneTime: Date | undefined;
  /** Until when requests are signed with the former secret too. */
  readonly formerSecretUntilTime: Date | undefined;
}

/** One request, and what came of it. */
export interface WebhookAttempt {
  readonly time: Date;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Why it failed, for people; empty when it succeeded. */
  readonly error: string;
  /** How long the receiver took, in milliseconds. */
  readonly took: Milliseconds | undefined;
}

/** An event on its way to a receiver. */
export interface WebhookDelivery {
  /** The header `webhook-id` of its requests. */
  readonly id: string;
  readonly state: WebhookDeliveryState;
  /** Undefined for an event of a type that this version does not know. */
  readonly event: Event | undefined;
  /** The attempts so far, oldest first. */
  readonly attempts: readonly WebhookAttempt[];
  /** When the next attempt is due; undefined when none is. */
  readonly nextTime: Date | undefined;
}

const NO_FILTER: FilterMessage = { queues: [], names: [], types: [], jobIds: [], flowIds: [], schedules: [] };

/** The message as a value. */
export function webhookOf(message: webhooks.Webhook | undefined): Webhook {
  const { types, ...filter } = message?.spec?.filter ?? NO_FILTER;
  return {
    name: message?.spec?.name ?? "",
    url: message?.spec?.url ?? "",
    filter: { ...filter, types: types.map(eventType).filter((type) => type !== undefined) },
    disabled: message?.spec?.disabled ?? false,
    createTime: fromTimestamp(message?.createTime),
    updateTime: fromTimestamp(message?.updateTime),
    cursor: message?.cursor ?? "",
    pending: message?.pending ?? 0,
    goneTime: optionalDate(message?.goneTime),
    formerSecretUntilTime: optionalDate(message?.formerSecretUntilTime),
  };
}

/** The message as a value. */
export function attemptOf(message: webhooks.WebhookAttempt | undefined): WebhookAttempt {
  const { time, status = 0, error = "", took } = message ?? {};
  return { time: fromTimestamp(time), status, error, took: optionalMs(took) };
}

/** The message as a value. */
export function deliveryOf(message: webhooks.WebhookDelivery): WebhookDelivery {
  const { id, state, event, attempts, nextTime } = message;
  return {
    id,
    state: deliveryState(state),
    event: event && eventOf(event),
    attempts: attempts.map(attemptOf),
    nextTime: optionalDate(nextTime),
  };
}
