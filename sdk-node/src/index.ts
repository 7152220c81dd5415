/**
 * RockQueue: a durable job queue.
 *
 * @example
 * import { Client } from "rockqueue";
 *
 * const client = Client.local("./jobs.db");
 * await client.push("mail", "welcome_email", { to: "ada@example.com" });
 *
 * @packageDocumentation
 */
export type { CallOptions } from "./calls/caller.js";
export type { CallRetry } from "./calls/retry.js";
export { Client, type ClientOptions, type ListOptions } from "./client.js";
export type { Milliseconds } from "./durations.js";
export {
  ClientClosed,
  type Code,
  CursorExpired,
  DeadlineExceeded,
  EmbeddedError,
  type ErrorDetails,
  InvalidRequest,
  InvalidState,
  JobNotFound,
  LeaseLost,
  LimitExceeded,
  NotFound,
  Overloaded,
  PayloadError,
  QueueFull,
  QueueNotFound,
  ResourceExhausted,
  RockQueueError,
  ServerError,
  StorageFull,
  Unavailable,
  UniqueConflict,
  type Violation,
} from "./errors.js";
export { EventStream, type WatchOptions } from "./events.js";
export type { JobFilter } from "./filters.js";
export {
  defineJob,
  type HandledJob,
  type JobDefaults,
  JobDefinition,
  type JobHandler,
  type JobSchemas,
} from "./jobs.js";
export type { LocalOptions } from "./local/server.js";
export type { Logger } from "./logging.js";
export type { Middleware, NextPush } from "./middleware.js";
export type { Event } from "./models/event.js";
export { type AttemptError, type BulkResult, Job, type JobLogs, type LogLine, type PushedJob } from "./models/job.js";
export { JobFailed } from "./models/job-failed.js";
export type { DeadReason, EventType, JobState } from "./models/names.js";
export type { Progress } from "./models/progress.js";
export type { Queue, QueueCounts, QueueState } from "./models/queue.js";
export type { Limits, ServerInfo } from "./models/server-info.js";
export type { JobOptions, NewJob, RetryPolicy, Unique } from "./options.js";
export { type EncodedPayload, JSON_CODEC, type PayloadCodec } from "./payloads.js";
export type { Durability } from "./pushing/push.js";
export type { QueueSettings, Queues } from "./queues.js";
export type { Raw, RawCall, RawOptions, Sparse } from "./raw.js";
export { retryPause } from "./retry-policy.js";
export { VERSION } from "./version.js";
export { HandlerStopped, JobContext, type StopCause } from "./worker/context.js";
export type { Handlers } from "./worker/handlers.js";
export { JobCancelled, NonRetryable, Outcome, Release, RetryAfter, Snooze } from "./worker/outcomes.js";
export { Worker, type WorkerOptions, type WorkerState } from "./worker/worker.js";
