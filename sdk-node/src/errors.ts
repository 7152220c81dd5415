// Every error this package throws, as one tree.
//
//     RockQueueError
//     ├── InvalidRequest          the request is wrong; sending it again will not help
//     │   ├── LimitExceeded       over a limit that `serverInfo()` reports
//     │   ├── FlowCycle           the jobs of a flow wait for each other in a circle
//     │   └── PayloadError        a payload or result cannot be encoded, decoded, or does not fit its schema
//     ├── NotFound
//     │   ├── JobNotFound
//     │   ├── QueueNotFound
//     │   ├── ScheduleNotFound
//     │   ├── FlowNotFound
//     │   ├── WebhookNotFound
//     │   └── WebhookDeliveryNotFound
//     ├── InvalidState            the job's state does not allow it
//     ├── LeaseLost               the job belongs to somebody else by now
//     ├── UniqueConflict          another job holds the unique key
//     ├── ResourceExhausted       the server refuses for now
//     │   ├── QueueFull
//     │   ├── StorageFull
//     │   └── Overloaded
//     ├── BackupExists            there is a backup of this name
//     ├── BackupsOff              the server was started without a place for backups
//     ├── CursorExpired           the events after this cursor are no longer kept
//     ├── Unavailable             no answer: server down, going down, or out of reach
//     ├── DeadlineExceeded        no answer in time
//     ├── ServerError             a defect of the server, or an answer this version does not know
//     ├── JobFailed               the job one waited for is DEAD or CANCELLED
//     ├── WebhookVerificationError  a request that says it is a webhook's cannot be trusted
//     ├── EmbeddedError           the local store cannot be opened
//     └── ClientClosed            the client was closed
//
// What a handler throws to say what becomes of its job (`NonRetryable`, `RetryAfter`, `Snooze`, `Release`) is not an
// error of this package and stands in `worker/outcomes.ts`.
import { kindsOf, markKinds, sameKind } from "./realm.js";

/** The canonical gRPC codes, by name. */
export type Code =
  | "OK"
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** A field at fault, and what is allowed there. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** What an error brings besides its message. */
export interface ErrorDetails {
  code?: Code;
  reason?: string;
  metadata?: Record<string, string>;
  requestId?: string;
  fromServer?: boolean;
  outcomeUnknown?: boolean;
  retryAfterMs?: number;
  violations?: readonly Violation[];
  cause?: unknown;
}

/**
 * Base of all errors of this package. `instanceof` also holds for errors of another copy of the package, or of its
 * CommonJS twin.
 */
export class RockQueueError extends Error {
  protected static readonly kind: string = "RockQueueError";
  /** The canonical gRPC code that stands for this class when nothing else is said. */
  protected static readonly defaultCode: Code = "UNKNOWN";

  /** The canonical gRPC code. */
  readonly code: Code;
  /** The stable reason (`"JOB_NOT_FOUND"`), a name of `rockqueue.v1.ErrorReason`; empty when there is none. */
  readonly reason: string;
  /** What varies in the message, by stable keys (`{ job_id: "0193…" }`). */
  metadata: Record<string, string>;
  /** The id of the logical call, the same in each of its attempts; empty for reads. */
  requestId: string;
  /** True when a RockQueue server said so; false when it was found out on this side. */
  readonly fromServer: boolean;
  /** True when the call may or may not have taken effect. */
  outcomeUnknown: boolean;
  /** Milliseconds after which the server suggests to try again, if it does. */
  readonly retryAfterMs: number | undefined;
  /** Field path and what is allowed there, for each field at fault. */
  violations: readonly Violation[];

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    const kind = new.target;
    this.name = kindsOf(kind)[0] ?? kind.name;
    this.code = details.code ?? kind.defaultCode;
    this.reason = details.reason ?? "";
    this.metadata = { ...details.metadata };
    this.requestId = details.requestId ?? "";
    this.fromServer = details.fromServer ?? false;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.violations = details.violations ?? [];
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked, which may be one that extends this one
    return sameKind(this, value);
  }

  /** The same error as a new object, with another message or details: one for each of several callers. */
  clone(message: string = this.message, changed: ErrorDetails = {}): this {
    const Kind = this.constructor as new (message: string, details: ErrorDetails) => this;
    return new Kind(message, { ...this, cause: this.cause, ...changed });
  }
}

markKinds(RockQueueError);

/** The request is wrong; nothing was changed, and sending it again will not help. */
export class InvalidRequest extends RockQueueError {
  protected static override readonly kind: string = "InvalidRequest";
  protected static override readonly defaultCode: Code = "INVALID_ARGUMENT";
}

/** The request is over a limit; `metadata` has `field`, `limit` and `actual`. */
export class LimitExceeded extends InvalidRequest {
  protected static override readonly kind: string = "LimitExceeded";
}

/** The jobs of a flow wait for each other in a circle; nothing was stored. */
export class FlowCycle extends InvalidRequest {
  protected static override readonly kind: string = "FlowCycle";

  /** One circle, beginning and ending with the same node: `"a -> b -> a"`. */
  get cycle(): string {
    return this.metadata.cycle ?? "";
  }
}

/** A payload or result cannot be encoded or decoded, or does not fit its schema; the cause says why. */
export class PayloadError extends InvalidRequest {
  protected static override readonly kind: string = "PayloadError";
}

/** What was named does not exist. */
export class NotFound extends RockQueueError {
  protected static override readonly kind: string = "NotFound";
  protected static override readonly defaultCode: Code = "NOT_FOUND";
}

/** No job has this id: it never existed, was deleted, or its retention has passed. */
export class JobNotFound extends NotFound {
  protected static override readonly kind: string = "JobNotFound";
}

/** No queue has this name; the first push makes it. */
export class QueueNotFound extends NotFound {
  protected static override readonly kind: string = "QueueNotFound";
}

/** No schedule has this name. */
export class ScheduleNotFound extends NotFound {
  protected static override readonly kind: string = "ScheduleNotFound";
}

/** No flow has this id: it never existed, or it was finished more than 7 days ago. */
export class FlowNotFound extends NotFound {
  protected static override readonly kind: string = "FlowNotFound";
}

/** No webhook has this name. */
export class WebhookNotFound extends NotFound {
  protected static override readonly kind: string = "WebhookNotFound";
}

/** The webhook has no delivery of this id in its log. */
export class WebhookDeliveryNotFound extends NotFound {
  protected static override readonly kind: string = "WebhookDeliveryNotFound";
}

/** The job's state does not allow the operation; `metadata.state` is the state it is in. */
export class InvalidState extends RockQueueError {
  protected static override readonly kind: string = "InvalidState";
  protected static override readonly defaultCode: Code = "FAILED_PRECONDITION";
}

/** The lease ran out, was settled otherwise, or belongs to an older attempt. */
export class LeaseLost extends RockQueueError {
  protected static override readonly kind: string = "LeaseLost";
  protected static override readonly defaultCode: Code = "FAILED_PRECONDITION";
}

/** Another job holds the unique key; nothing was stored. */
export class UniqueConflict extends RockQueueError {
  protected static override readonly kind: string = "UniqueConflict";
  protected static override readonly defaultCode: Code = "ALREADY_EXISTS";

  /** The job that holds the key. */
  get jobId(): string {
    return this.metadata.job_id ?? "";
  }
}

/** The server refuses for now; nothing was stored. Waiting helps. */
export class ResourceExhausted extends RockQueueError {
  protected static override readonly kind: string = "ResourceExhausted";
  protected static override readonly defaultCode: Code = "RESOURCE_EXHAUSTED";
}

/** The queue's `maxBacklogJobs` or `maxBacklogBytes` would be passed; `metadata.setting` says which. */
export class QueueFull extends ResourceExhausted {
  protected static override readonly kind: string = "QueueFull";
}

/** The server's disk has too little free space to take in jobs. */
export class StorageFull extends ResourceExhausted {
  protected static override readonly kind: string = "StorageFull";
}

/** More pushes are waiting to be written than the server is willing to hold. */
export class Overloaded extends ResourceExhausted {
  protected static override readonly kind: string = "Overloaded";
}

/** There is a backup of this name; nothing was written. */
export class BackupExists extends RockQueueError {
  protected static override readonly kind: string = "BackupExists";
  protected static override readonly defaultCode: Code = "ALREADY_EXISTS";
}

/** The server was started without a place for backups (`--backup-dir`). */
export class BackupsOff extends RockQueueError {
  protected static override readonly kind: string = "BackupsOff";
  protected static override readonly defaultCode: Code = "FAILED_PRECONDITION";
}

/** The events after this cursor are no longer kept; go on from `earliestCursor` or from now. */
export class CursorExpired extends RockQueueError {
  protected static override readonly kind: string = "CursorExpired";
  protected static override readonly defaultCode: Code = "OUT_OF_RANGE";

  /** The first cursor that is still kept. */
  get earliestCursor(): string {
    return this.metadata.earliest_cursor ?? "";
  }
}

/** No answer: the server is down, going down, or out of reach. */
export class Unavailable extends RockQueueError {
  protected static override readonly kind: string = "Unavailable";
  protected static override readonly defaultCode: Code = "UNAVAILABLE";
}

/** No answer in time. */
export class DeadlineExceeded extends RockQueueError {
  protected static override readonly kind: string = "DeadlineExceeded";
  protected static override readonly defaultCode: Code = "DEADLINE_EXCEEDED";
}

/** A defect of the server, or an answer that this version of the package does not know. */
export class ServerError extends RockQueueError {
  protected static override readonly kind: string = "ServerError";
  protected static override readonly defaultCode: Code = "INTERNAL";
}

/** A request that says it is a webhook's cannot be trusted, or read; answer it with status 400. */
export class WebhookVerificationError extends RockQueueError {
  protected static override readonly kind: string = "WebhookVerificationError";
  protected static override readonly defaultCode: Code = "UNAUTHENTICATED";
}

/** The local store cannot be opened; the message says what to do. */
export class EmbeddedError extends RockQueueError {
  protected static override readonly kind: string = "EmbeddedError";
  protected static override readonly defaultCode: Code = "FAILED_PRECONDITION";
}

/** The client was closed; make a new one. */
export class ClientClosed extends RockQueueError {
  protected static override readonly kind: string = "ClientClosed";
  protected static override readonly defaultCode: Code = "CANCELLED";
}
