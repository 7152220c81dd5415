// What can be set for queues and groups, and how a change of it is asked for.
import { type Milliseconds, toDuration } from "./durations.js";
import type { GroupSettings as GroupMessage, QueueSettings as QueueMessage } from "./gen/rockqueue/v1/queue_service.js";
import { type RetryPolicy, toRetry } from "./options.js";
import { type RateLimit, toRate } from "./rates.js";

/** Settings of a queue to change; what is left out stays as it is. Durations are milliseconds. */
export interface QueueSettings {
  /** For jobs that bring no policy. @defaultValue exponential, 1 s, at most 1 h, jitter 0.1, 3 attempts */
  defaultRetry?: RetryPolicy;
  /** For workers that ask for none, 1 s to 12 h. @defaultValue 30000 */
  defaultLease?: Milliseconds;
  /** How long COMPLETED jobs stay readable; 0 removes them at once. @defaultValue 7 days */
  completedRetention?: Milliseconds;
  /** How long DEAD jobs stay readable; 0 removes them at once. @defaultValue 90 days */
  deadRetention?: Milliseconds;
  /** How long CANCELLED jobs stay readable; 0 removes them at once. @defaultValue 7 days */
  cancelledRetention?: Milliseconds;
  /** How many jobs may be ACTIVE at once, over all workers. @defaultValue no limit */
  maxActive?: number;
  /** How many jobs may wait before pushes reject with QueueFull. @defaultValue no limit */
  maxBacklogJobs?: number;
  /** How many bytes the jobs that wait may have together before pushes reject with QueueFull. @defaultValue no limit */
  maxBacklogBytes?: number;
  /** How many deliveries there may be in a time, over all workers. @defaultValue no limit */
  rate?: RateLimit;
  /** How many jobs of one group may be ACTIVE at once; 1 keeps the order of each group strictly. @defaultValue no limit */
  groupMaxActive?: number;
  /** How many deliveries of one group there may be in a time. @defaultValue no limit */
  groupRate?: RateLimit;
}

/** Settings of one group to change; what is left out stays as it is. */
export interface GroupSettings {
  /** How many of its jobs are served in its turn, compared with those of other groups: 1 to 1,000. @defaultValue 1 */
  weight?: number;
  /** How many of its jobs may be ACTIVE at once. @defaultValue the queue's `groupMaxActive` */
  maxActive?: number;
  /** How many of its deliveries there may be in a time. @defaultValue the queue's `groupRate` */
  rate?: RateLimit;
}

const DURATIONS = [
  "defaultLease",
  "completedRetention",
  "deadRetention",
  "cancelledRetention",
] as const satisfies (keyof QueueSettings)[];
const NUMBERS = [
  "maxActive",
  "maxBacklogJobs",
  "maxBacklogBytes",
  "groupMaxActive",
] as const satisfies (keyof QueueSettings)[];
const RATES = ["rate", "groupRate"] as const satisfies (keyof QueueSettings)[];
const OF_QUEUES = ["defaultRetry", ...DURATIONS, ...NUMBERS, ...RATES];
const OF_GROUPS = ["weight", "maxActive", "rate"] satisfies (keyof GroupSettings)[];

/** The settings of a queue as the contract carries them. Throws a TypeError for one that there is not. */
export function toQueueSettings(settings: QueueSettings): QueueMessage {
  refuseUnknown("queue", OF_QUEUES, settings);
  const message: QueueMessage = {};
  if (settings.defaultRetry !== undefined) {
    message.defaultRetry = toRetry(settings.defaultRetry);
  }
  for (const name of DURATIONS) {
    const value = settings[name];
    message[name] = value === undefined ? undefined : toDuration(value, name);
  }
  for (const name of NUMBERS) {
    message[name] = settings[name];
  }
  for (const name of RATES) {
    const value = settings[name];
    message[name] = value && toRate(value, name);
  }
  return message;
}

/** The settings of a group as the contract carries them. Throws a TypeError for one that there is not. */
export function toGroupSettings(settings: GroupSettings): GroupMessage {
  refuseUnknown("group", OF_GROUPS, settings);
  const { weight, maxActive, rate } = settings;
  return { weight, maxActive, rate: rate && toRate(rate, "rate") };
}

/** Names of settings as the contract spells them. */
export function toReset(names: readonly string[]): string[] {
  return names.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function refuseUnknown(what: string, known: readonly string[], settings: object): void {
  for (const name of Object.keys(settings)) {
    if (!known.includes(name)) {
      throw new TypeError(`unknown ${what} setting "${name}"; there are: ${known.join(", ")}`);
    }
  }
}
