// Durations as users write them (milliseconds) and as the contract carries them (google.protobuf.Duration).
import type { Duration } from "./gen/google/protobuf/duration.js";
import type { Timestamp } from "./gen/google/protobuf/timestamp.js";

/** A duration in milliseconds; fractions are allowed. */
export type Milliseconds = number;

const MS_PER_S = 1000;
const NANOS_PER_MS = 1_000_000;
const NANOS_PER_S = 1_000_000_000;

/** The duration itself. Throws a RangeError, naming `option`, when it is negative or not a finite number. */
export function checkedMs(value: Milliseconds, option: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new RangeError(`${option} must be 0 or more milliseconds, not ${String(value)}`);
  }
  return value;
}

/** The duration as a message, exact to the nanosecond as far as a number is. The sign is left to the server to judge. */
export function toDuration(value: Milliseconds, option: string): Duration {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new RangeError(`${option} must be a number of milliseconds, not ${String(value)}`);
  }
  const sign = value < 0 ? -1 : 1;
  const size = Math.abs(value);
  let seconds = Math.floor(size / MS_PER_S);
  let nanos = Math.round((size - seconds * MS_PER_S) * NANOS_PER_MS);
  if (nanos >= NANOS_PER_S) {
    seconds += 1;
    nanos -= NANOS_PER_S;
  }
  return { seconds: sign * seconds || 0, nanos: sign * nanos || 0 };
}

/** The message in milliseconds. */
export function fromDuration(message: Duration): Milliseconds {
  return message.seconds * MS_PER_S + message.nanos / NANOS_PER_MS;
}

/** A duration that may not be set. */
export function optionalMs(message: Duration | undefined): Milliseconds | undefined {
  return message === undefined ? undefined : fromDuration(message);
}

/** The moment as a message. Throws a TypeError, naming `option`, for something that is no valid Date. */
export function toTimestamp(value: Date, option: string): Timestamp {
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new TypeError(`${option} must be a Date, such as new Date("2027-01-01T08:00:00Z"), not ${String(value)}`);
  }
  const seconds = Math.floor(ms / MS_PER_S);
  return { seconds, nanos: (ms - seconds * MS_PER_S) * NANOS_PER_MS };
}

/** The message as a Date, which is exact to the millisecond. */
export function fromTimestamp(message: Timestamp | undefined): Date {
  return message === undefined ? new Date(0) : new Date(message.seconds * MS_PER_S + message.nanos / NANOS_PER_MS);
}

/** A moment that may not be set. */
export function optionalDate(message: Timestamp | undefined): Date | undefined {
  return message === undefined ? undefined : fromTimestamp(message);
}
