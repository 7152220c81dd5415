// Limits of deliveries in a time, as users write them and as the contract carries them.
import { type Milliseconds, optionalMs, toDuration } from "./durations.js";
import type { RateLimit as RateMessage } from "./gen/rockqueue/v1/queue_service.js";

/** How many deliveries there may be in a time: a bucket of `burst` that fills up evenly, by `count` in each `period`. */
export interface RateLimit {
  /** So many deliveries: 1 to 1,000,000. */
  readonly count: number;
  /** In this many milliseconds: 1 to 86,400,000. @defaultValue 1000 */
  readonly period?: Milliseconds;
  /** How many may come at once after a pause. @defaultValue `count` */
  readonly burst?: number;
}

/** The limit as the contract carries it. */
export function toRate({ count, period, burst }: RateLimit, option: string): RateMessage {
  return { count, period: period === undefined ? undefined : toDuration(period, `${option}.period`), burst };
}

/** The message as a value; undefined for no limit. */
export function rateOf(message: RateMessage | undefined): RateLimit | undefined {
  return message && { count: message.count, period: optionalMs(message.period), burst: message.burst };
}
