// What the server knows of queues, as plain values.
import { type Milliseconds, optionalDate, optionalMs } from "../durations.js";
import type { RetryPolicy } from "../gen/rockqueue/v1/job.js";
import type * as queues from "../gen/rockqueue/v1/queue_service.js";
import { type RateLimit, rateOf } from "../rates.js";

/** How many jobs of a queue are in each state; the finished ones as long as they are kept. */
export interface QueueCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly blocked: number;
  readonly completed: number;
  readonly dead: number;
  readonly cancelled: number;
}

/** The settings of a queue; what is undefined has its default (see `QueueSettings`). */
export interface QueueState {
  readonly defaultRetry: RetryPolicy | undefined;
  readonly defaultLease: Milliseconds | undefined;
  readonly completedRetention: Milliseconds | undefined;
  readonly deadRetention: Milliseconds | undefined;
  readonly cancelledRetention: Milliseconds | undefined;
  readonly maxActive: number | undefined;
  readonly maxBacklogJobs: number | undefined;
  readonly maxBacklogBytes: number | undefined;
  readonly rate: RateLimit | undefined;
  readonly groupMaxActive: number | undefined;
  readonly groupRate: RateLimit | undefined;
}

/** A queue with its counts. */
export interface Queue {
  readonly name: string;
  readonly paused: boolean;
  readonly counts: QueueCounts;
  readonly settings: QueueState;
  /** How many worker sessions are open on it. */
  readonly workers: number;
  /** How many bytes the jobs that are WAITING or DELAYED have: what `maxBacklogBytes` limits. */
  readonly backlogBytes: number;
  /** Since when the job that has been WAITING longest is ready. */
  readonly oldestReadyTime: Date | undefined;
  readonly createTime: Date | undefined;
}

const NO_COUNTS: QueueCounts = { waiting: 0, delayed: 0, active: 0, blocked: 0, completed: 0, dead: 0, cancelled: 0 };

/** The message as a value. */
export function queueOf(message: queues.Queue | undefined): Queue {
  const settings = message?.settings;
  return {
    name: message?.name ?? "",
    paused: message?.paused ?? false,
    counts: { ...NO_COUNTS, ...message?.counts },
    settings: {
      defaultRetry: settings?.defaultRetry,
      defaultLease: optionalMs(settings?.defaultLease),
      completedRetention: optionalMs(settings?.completedRetention),
      deadRetention: optionalMs(settings?.deadRetention),
      cancelledRetention: optionalMs(settings?.cancelledRetention),
      maxActive: settings?.maxActive,
      maxBacklogJobs: settings?.maxBacklogJobs,
      maxBacklogBytes: settings?.maxBacklogBytes,
      rate: rateOf(settings?.rate),
      groupMaxActive: settings?.groupMaxActive,
      groupRate: rateOf(settings?.groupRate),
    },
    workers: message?.workers ?? 0,
    backlogBytes: message?.backlogBytes ?? 0,
    oldestReadyTime: optionalDate(message?.oldestReadyTime),
    createTime: optionalDate(message?.createTime),
  };
}
