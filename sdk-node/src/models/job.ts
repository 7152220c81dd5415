// What the server knows of jobs, as plain values.
import { fromTimestamp, optionalDate } from "../durations.js";
import type { RockQueueError } from "../errors.js";
import * as jobs from "../gen/rockqueue/v1/job.js";
import type { GetJobLogsResponse } from "../gen/rockqueue/v1/job_service.js";
import { asPayloadError, type PayloadCodec } from "../payloads.js";
import { type DeadReason, deadReason, type JobState, jobState } from "./names.js";
import { type Progress, progressOf } from "./progress.js";

/** What became of a push. */
export interface PushedJob {
  /** The new job, or the job that holds the unique key. */
  readonly id: string;
  /** True when nothing was stored because that job holds the key. */
  readonly existing: boolean;
  /** True when that job took over the fields of this push. */
  readonly replaced: boolean;
}

/** One attempt that did not succeed. */
export interface AttemptError {
  readonly attempt: number;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly time: Date | undefined;
  readonly worker: string;
}

/** What pushed a job, if it was not a caller: a schedule or a flow. */
export interface Origin {
  /** The schedule that fired; empty for none. */
  readonly schedule: string;
  /** The due moment that the job stands for. */
  readonly slotTime: Date | undefined;
  /** The flow that the job is part of; empty for none. */
  readonly flowId: string;
  /** The job's local name in its flow. */
  readonly flowNode: string;
}

/** The message as a value; undefined for a job that a caller pushed. */
export function originOf(origin: jobs.JobOrigin | undefined): Origin | undefined {
  if (origin === undefined) {
    return undefined;
  }
  const { schedule, slotTime, flowId, flowNode } = origin;
  return { schedule, slotTime: optionalDate(slotTime), flowId, flowNode };
}

/** A job as the server knows it. The fields are those of `rockqueue.v1.Job`. */
export class Job {
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly state: JobState;
  readonly priority: number;
  /** The number of the current or last delivery: 0 before the first, strictly growing. */
  readonly attempt: number;
  /** Attempts that their handler failed, or that timed out. */
  readonly failures: number;
  /** Deliveries that ended with the worker gone. */
  readonly crashes: number;
  readonly releases: number;
  readonly snoozes: number;
  readonly deadReason: DeadReason | undefined;
  /** The last 20 failed or crashed attempts, oldest first. */
  readonly errors: readonly AttemptError[];
  readonly progress: Progress | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /** The group that the job belongs to; empty for none. */
  readonly group: string;
  /** The schedule or flow that the job came from. */
  readonly origin: Origin | undefined;
  /** How many parents are not finished yet; 0 but in BLOCKED. */
  readonly pendingParents: number;
  /** The worker that holds or last held the job. */
  readonly worker: string;
  readonly cancelRequested: boolean;
  readonly createTime: Date | undefined;
  readonly readyTime: Date | undefined;
  readonly startTime: Date | undefined;
  readonly finishTime: Date | undefined;
  readonly purgeTime: Date | undefined;
  readonly #message: jobs.Job;
  readonly #codec: PayloadCodec;

  /** @internal */
  constructor(message: jobs.Job, codec: PayloadCodec) {
    const { spec } = message;
    this.id = message.id;
    this.queue = spec?.queue ?? "";
    this.name = spec?.name ?? "";
    this.state = jobState(message.state);
    this.priority = spec?.priority ?? 0;
    this.attempt = message.attempt;
    this.failures = message.failures;
    this.crashes = message.crashes;
    this.releases = message.releases;
    this.snoozes = message.snoozes;
    this.deadReason = deadReason(message.deadReason);
    this.errors = message.errors.map(attemptError);
    this.progress = progressOf(message.progress);
    this.headers = spec?.headers ?? {};
    this.tags = spec?.tags ?? [];
    this.group = spec?.group ?? "";
    this.origin = originOf(spec?.origin);
    this.pendingParents = message.pendingParents;
    this.worker = message.worker;
    this.cancelRequested = message.cancelRequested;
    this.createTime = optionalDate(message.createTime);
    this.readyTime = optionalDate(message.readyTime);
    this.startTime = optionalDate(message.startTime);
    this.finishTime = optionalDate(message.finishTime);
    this.purgeTime = optionalDate(message.purgeTime);
    this.#message = message;
    this.#codec = codec;
  }

  /** The handler's input, decoded; null in listings without `includePayload`. Throws PayloadError. */
  get payload(): unknown {
    const { payload = new Uint8Array(), contentType = "" } = this.#message.spec ?? {};
    return decoded(this.#codec, payload, contentType);
  }

  /** What the handler returned, decoded; null when it returned nothing. Throws PayloadError. */
  get result(): unknown {
    return decoded(this.#codec, this.#message.result, this.#message.resultContentType);
  }

  /** True for COMPLETED, DEAD and CANCELLED. */
  get finished(): boolean {
    return this.state === "COMPLETED" || this.state === "DEAD" || this.state === "CANCELLED";
  }

  /** What the handler asked for, as the contract carries it. */
  get spec(): jobs.JobSpec {
    return this.#message.spec ?? jobs.JobSpec.fromPartial({});
  }
}

/** The value of some bytes. Throws PayloadError, whatever the codec threw. */
export function decoded(codec: PayloadCodec, data: Uint8Array, contentType: string): unknown {
  try {
    return codec.decode(data, contentType);
  } catch (cause) {
    throw asPayloadError("the payload cannot be decoded", cause);
  }
}

/** One line that a handler logged on its job. */
export interface LogLine {
  readonly time: Date;
  readonly text: string;
  readonly attempt: number;
}

/** The last lines of a job, oldest first, and how many older ones were dropped. */
export interface JobLogs {
  readonly lines: readonly LogLine[];
  readonly dropped: number;
}

/** The message as a value. */
export function jobLogs(response: GetJobLogsResponse): JobLogs {
  const lines = response.lines.map(({ time, text, attempt }) => ({ time: fromTimestamp(time), text, attempt }));
  return { lines, dropped: response.dropped };
}

/** What became of a call that names several jobs. */
export interface BulkResult {
  /** How many jobs it changed. */
  readonly affected: number;
  /** Why it did not change the others, by job id. */
  readonly failures: ReadonlyMap<string, RockQueueError>;
}

function attemptError(error: jobs.AttemptError): AttemptError {
  const { type = "", message = "", stack = "" } = error.error ?? {};
  return { attempt: error.attempt, type, message, stack, time: optionalDate(error.time), worker: error.worker };
}
