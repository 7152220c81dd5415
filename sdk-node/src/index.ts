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
export type { Backups } from "./backups.js";
export type { ChangeAllOptions } from "./bulk.js";
export type { CallOptions } from "./calls/caller.js";
export type { CallRetry } from "./calls/retry.js";
export { Client, type ClientOptions, type ListOptions } from "./client.js";
export type { Milliseconds } from "./durations.js";
export {
  BackupExists,
  BackupsOff,
  ClientClosed,
  type Code,
  CursorExpired,
  DeadlineExceeded,
  EmbeddedError,
  type ErrorDetails,
  FlowCycle,
  FlowNotFound,
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
  ScheduleNotFound,
  ServerError,
  StorageFull,
  Unavailable,
  UniqueConflict,
  type Violation,
  WebhookDeliveryNotFound,
  WebhookNotFound,
  WebhookVerificationError,
} from "./errors.js";
export { EventStream, type WatchOptions } from "./events.js";
export type { EventFilter, JobFilter } from "./filters.js";
export { Flow, type FlowEdge, type FlowNode, type FlowOptions, type FlowParent, type FlowPlace } from "./flows/flow.js";
export type { Flows } from "./flows/flows.js";
export { chain, type FlowPart, type FlowStep, type FlowStepOptions, group, join } from "./flows/parts.js";
export type { ParentFailurePolicy } from "./flows/policy.js";
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
export type { Backup } from "./models/backup.js";
export type { Event } from "./models/event.js";
export type { Explanation, JobExplanation } from "./models/explanation.js";
export {
  type FlowChange,
  type FlowGraph,
  type FlowInfo,
  type FlowJob,
  type FlowJobParent,
  ParentJob,
  type PushedFlow,
} from "./models/flow.js";
export type { Group, GroupState } from "./models/group.js";
export {
  type AttemptError,
  type BulkResult,
  Job,
  type JobLogs,
  type LogLine,
  type Origin,
  type PushedJob,
} from "./models/job.js";
export { JobFailed } from "./models/job-failed.js";
export type {
  DeadReason,
  EventType,
  ExplanationKind,
  FlowState,
  JobState,
  WebhookDeliveryState,
  WorkerInfoState,
} from "./models/names.js";
export type { Progress } from "./models/progress.js";
export type { Queue, QueueCounts, QueueState } from "./models/queue.js";
export { type Schedule, ScheduledJob } from "./models/schedule.js";
export type { Limits, ServerInfo } from "./models/server-info.js";
export type { Webhook, WebhookAttempt, WebhookDelivery, WebhookFilter } from "./models/webhook.js";
export type { WorkerInfo } from "./models/worker-info.js";
export type { JobOptions, NewJob, RetryPolicy, Unique } from "./options.js";
export { type EncodedPayload, JSON_CODEC, type PayloadCodec } from "./payloads.js";
export type { Durability } from "./pushing/push.js";
export type { Queues } from "./queues.js";
export type { RateLimit } from "./rates.js";
export type { Raw, RawCall, RawOptions, Sparse } from "./raw.js";
export { retryPause } from "./retry-policy.js";
export type { PreviewOptions, PutSchedule, Schedules } from "./schedules/schedules.js";
export type { MisfirePolicy, OverlapPolicy, Timing } from "./schedules/timing.js";
export type { GroupSettings, QueueSettings } from "./settings.js";
export { VERSION } from "./version.js";
export type { NewWebhook, PutWebhook, RotatedWebhook, Webhooks } from "./webhooks/webhooks.js";
export { HandlerStopped, JobContext, type StopCause } from "./worker/context.js";
export type { Handlers } from "./worker/handlers.js";
export { JobCancelled, NonRetryable, Outcome, Release, RetryAfter, Snooze } from "./worker/outcomes.js";
export { Worker, type WorkerOptions, type WorkerState } from "./worker/worker.js";
