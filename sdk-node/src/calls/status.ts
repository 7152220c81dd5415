// From what the wire says to the error class that users catch: by reason, then by code.
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { status as grpcStatus, type ServiceError } from "@grpc/grpc-js";
import { fromDuration, optionalMs } from "../durations.js";
import * as errors from "../errors.js";
import { Duration } from "../gen/google/protobuf/duration.js";
import type { EntryStatus } from "../gen/rockqueue/v1/job_service.js";

const DOMAIN = "rockqueue";
const DETAILS_KEY = "grpc-status-details-bin";
const TYPES = "type.googleapis.com/google.rpc.";

type ErrorClass = new (message: string, details: errors.ErrorDetails) => errors.RockQueueError;

const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  INVALID_FIELD: errors.InvalidRequest,
  LIMIT_EXCEEDED: errors.LimitExceeded,
  REQUEST_ID_REUSED: errors.InvalidRequest,
  JOB_NOT_FOUND: errors.JobNotFound,
  QUEUE_NOT_FOUND: errors.QueueNotFound,
  SCHEDULE_NOT_FOUND: errors.ScheduleNotFound,
  FLOW_NOT_FOUND: errors.FlowNotFound,
  WEBHOOK_NOT_FOUND: errors.WebhookNotFound,
  WEBHOOK_DELIVERY_NOT_FOUND: errors.WebhookDeliveryNotFound,
  FLOW_CYCLE: errors.FlowCycle,
  INVALID_STATE: errors.InvalidState,
  LEASE_LOST: errors.LeaseLost,
  UNIQUE_CONFLICT: errors.UniqueConflict,
  QUEUE_FULL: errors.QueueFull,
  STORAGE_FULL: errors.StorageFull,
  OVERLOADED: errors.Overloaded,
  BACKUP_EXISTS: errors.BackupExists,
  BACKUPS_OFF: errors.BackupsOff,
  CURSOR_EXPIRED: errors.CursorExpired,
  SHUTTING_DOWN: errors.Unavailable,
  STORAGE_FAILED: errors.Unavailable,
  SLOW_READER: errors.Unavailable,
  INTERNAL: errors.ServerError,
  PROTOCOL_VIOLATION: errors.ServerError,
  SESSION_TAKEN: errors.ServerError,
};

// A reason that this version does not know is treated by its code, as the contract asks.
const BY_CODE: Partial<Record<errors.Code, ErrorClass>> = {
  INVALID_ARGUMENT: errors.InvalidRequest,
  NOT_FOUND: errors.NotFound,
  FAILED_PRECONDITION: errors.InvalidState,
  ALREADY_EXISTS: errors.UniqueConflict,
  RESOURCE_EXHAUSTED: errors.ResourceExhausted,
  OUT_OF_RANGE: errors.CursorExpired,
  UNAVAILABLE: errors.Unavailable,
  DEADLINE_EXCEEDED: errors.DeadlineExceeded,
};

/** The error for a code and a reason. */
export function makeError(code: errors.Code, message: string, details: errors.ErrorDetails): errors.RockQueueError {
  const Kind = BY_REASON[details.reason ?? ""] ?? BY_CODE[code] ?? errors.ServerError;
  return new Kind(message || `${code} without a message`, { ...details, code });
}

/** The name of a canonical code; UNKNOWN for a number that is none. */
export function codeName(code: number): errors.Code {
  return (grpcStatus[code] as errors.Code | undefined) ?? "UNKNOWN";
}

/** The error for a failed call, with reason, metadata and RetryInfo from its status details, if it has any. */
export function fromServiceError(error: ServiceError): errors.RockQueueError {
  const details: errors.ErrorDetails = { cause: error };
  const [packed] = error.metadata?.get(DETAILS_KEY) ?? [];
  if (packed instanceof Uint8Array) {
    try {
      readStatus(packed, details);
    } catch (cause) {
      // Details that cannot be read tell nothing; the code still does.
      details.cause = cause;
    }
  }
  details.fromServer = details.reason !== undefined;
  return makeError(codeName(error.code), error.details, details);
}

/** The error for one entry of a batch that was not carried out. */
export function fromEntryStatus(status: EntryStatus): errors.RockQueueError {
  const { reason, metadata, message, code, violations } = status;
  const retryAfterMs = optionalMs(status.retryDelay);
  return makeError(codeName(code), message, {
    reason,
    metadata,
    violations,
    retryAfterMs,
    fromServer: reason !== "",
  });
}

/** Calls `take` for each field of a message that is length-delimited, and skips the others. */
function eachField(bytes: Uint8Array, take: (field: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === 2) {
      take(field, reader.bytes());
    } else {
      reader.skip(wireType, field);
    }
  }
}

// google.rpc.Status {code = 1, message = 2, repeated Any details = 3}; Any {type_url = 1, value = 2}.
function readStatus(bytes: Uint8Array, into: errors.ErrorDetails): void {
  eachField(bytes, (field, any) => {
    if (field !== 3) {
      return;
    }
    let type = "";
    let value: Uint8Array = new Uint8Array();
    eachField(any, (inner, content) => {
      if (inner === 1) {
        type = text(content);
      } else if (inner === 2) {
        value = content;
      }
    });
    if (type === `${TYPES}ErrorInfo`) {
      readErrorInfo(value, into);
    } else if (type === `${TYPES}RetryInfo`) {
      readRetryInfo(value, into);
    } else if (type === `${TYPES}BadRequest`) {
      into.violations = readViolations(value);
    }
  });
}

// google.rpc.ErrorInfo {reason = 1, domain = 2, map metadata = 3}.
function readErrorInfo(bytes: Uint8Array, into: errors.ErrorDetails): void {
  const found: string[] = ["", "", ""];
  const metadata: Record<string, string> = {};
  eachField(bytes, (field, value) => {
    if (field === 3) {
      const [, key = "", content = ""] = texts(value);
      metadata[key] = content;
    } else {
      found[field] = text(value);
    }
  });
  if (found[2] === DOMAIN) {
    into.reason = found[1];
    into.metadata = metadata;
  }
}

// google.rpc.RetryInfo {Duration retry_delay = 1}.
function readRetryInfo(bytes: Uint8Array, into: errors.ErrorDetails): void {
  eachField(bytes, (field, value) => {
    if (field === 1) {
      into.retryAfterMs = fromDuration(Duration.decode(value));
    }
  });
}

// google.rpc.BadRequest {repeated FieldViolation {field = 1, description = 2} = 1}.
function readViolations(bytes: Uint8Array): errors.Violation[] {
  const violations: errors.Violation[] = [];
  eachField(bytes, (field, value) => {
    if (field === 1) {
      const [, path = "", description = ""] = texts(value);
      violations.push({ field: path, description });
    }
  });
  return violations;
}

/** The strings of a message by their field numbers. */
function texts(bytes: Uint8Array): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  eachField(bytes, (field, value) => {
    found[field] = text(value);
  });
  return found;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
