// What the server knows of the groups of a queue, as plain values.
import type * as queues from "../gen/rockqueue/v1/queue_service.js";
import { type RateLimit, rateOf } from "../rates.js";

/** The settings of a group; what is undefined has its default (see `GroupSettings`). */
export interface GroupState {
  readonly weight: number | undefined;
  readonly maxActive: number | undefined;
  readonly rate: RateLimit | undefined;
}

/** A group of a queue. */
export interface Group {
  readonly key: string;
  readonly settings: GroupState;
  /** How many of its jobs are WAITING. */
  readonly waiting: number;
  /** How many of its jobs are ACTIVE. */
  readonly active: number;
}

/** The message as a value. */
export function groupOf(message: queues.Group | undefined): Group {
  const { weight, maxActive, rate } = message?.settings ?? {};
  return {
    key: message?.key ?? "",
    settings: { weight, maxActive, rate: rateOf(rate) },
    waiting: message?.waiting ?? 0,
    active: message?.active ?? 0,
  };
}
