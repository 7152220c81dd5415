// What a handler knows of its job, and what it can say while it runs.
import type { CallOptions } from "../calls/caller.js";
import { fromDuration, fromTimestamp } from "../durations.js";
import { LimitExceeded } from "../errors.js";
import type { JobSpec } from "../gen/rockqueue/v1/job.js";
import type { Delivery, JobReport } from "../gen/rockqueue/v1/work_service.js";
import type { ParentJob } from "../models/flow.js";
import { decoded, type Origin, originOf } from "../models/job.js";
import { buildSpec, type NewJob } from "../options.js";
import type { PayloadCodec } from "../payloads.js";

const MAX_FOLLOW_UPS = 100;
// The server keeps 4 KiB of a line; no more characters than that can be of use to it.
const LOG_LINE_CHARACTERS = 4096;

/** Why a handler should stop. */
export type StopCause =
  /** Someone cancelled the job: stop, or finish all the same. */
  | "REQUESTED"
  /** The attempt ran longer than the job's `timeout`; its lease is lost. */
  | "TIMEOUT"
  /** The lease is lost for another reason; the job runs elsewhere, or soon will. */
  | "LEASE_LOST"
  /** The worker shuts down and the grace period is over. */
  | "SHUTDOWN";

/** The reason of an aborted `ctx.signal`. Thrown by a handler, it means: stopped as asked. */
export class HandlerStopped extends Error {
  override readonly name = "HandlerStopped";

  constructor(
    message: string,
    /** Why the handler should stop. */
    readonly stopCause: StopCause,
  ) {
    super(message);
  }
}

/** What a context needs of its worker. @internal */
export interface ContextHost {
  readonly codec: PayloadCodec;
  readonly shutdownSignal: AbortSignal;
  report(report: JobReport): void;
  parents(jobId: string, options: CallOptions): Promise<readonly ParentJob[]>;
}

/** The job that a handler works on. */
export class JobContext {
  readonly #delivery: Delivery;
  readonly #host: ContextHost;
  readonly #received: number;
  #followUps: JobSpec[] | undefined;
  // Made when it is first asked for: most handlers never look.
  #abort: AbortController | undefined;
  #stopped: HandlerStopped | undefined;

  /** @internal */
  constructor(delivery: Delivery, host: ContextHost) {
    this.#delivery = delivery;
    this.#host = host;
    this.#received = delivery.spec?.timeout === undefined ? 0 : Date.now();
  }

  /** The job's id. */
  get id(): string {
    return this.#delivery.jobId;
  }

  get queue(): string {
    return this.#spec.queue;
  }

  /** The kind of job. */
  get name(): string {
    return this.#spec.name;
  }

  /** The handler's input, decoded. Throws PayloadError. */
  get payload(): unknown {
    return decoded(this.#host.codec, this.#spec.payload, this.#spec.contentType);
  }

  /** The handler's input as it came. */
  get payloadBytes(): Uint8Array {
    return this.#spec.payload;
  }

  /** The number of this delivery: 1 for the first, strictly growing. Use it as a fencing number outside. */
  get attempt(): number {
    return this.#delivery.attempt;
  }

  /** Attempts failed so far. */
  get failures(): number {
    return this.#delivery.failures;
  }

  /** Deliveries that ended with the worker gone so far. */
  get crashes(): number {
    return this.#delivery.crashes;
  }

  get priority(): number {
    return this.#spec.priority;
  }

  /** What travels with the job beside its payload. */
  get headers(): Readonly<Record<string, string>> {
    return this.#spec.headers;
  }

  get tags(): readonly string[] {
    return this.#spec.tags;
  }

  /** The group that the job belongs to; empty for none. */
  get group(): string {
    return this.#spec.group;
  }

  /** The schedule or flow that the job came from; undefined for one that a caller pushed. */
  get origin(): Origin | undefined {
    return originOf(this.#spec.origin);
  }

  /** When the push was committed. */
  get createTime(): Date {
    return fromTimestamp(this.#delivery.createTime);
  }

  /** When the attempt times out, by this machine's clock; undefined without a timeout. */
  get deadline(): Date | undefined {
    const { timeout } = this.#spec;
    return timeout === undefined ? undefined : new Date(this.#received + fromDuration(timeout));
  }

  /**
   * Aborted when the handler should stop: the job was cancelled, timed out, its lease is lost, or the worker's grace period
   * is over. The reason is a `HandlerStopped`. Pass it on: `fetch(url, { signal: ctx.signal })`.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#stopped !== undefined) {
        this.#abort.abort(this.#stopped);
      }
    }
    return this.#abort.signal;
  }

  /** Aborted when the worker drains: finish soon, or throw `Release`. */
  get shutdownSignal(): AbortSignal {
    return this.#host.shutdownSignal;
  }

  /** True when the worker drains: finish soon, or throw `Release`. */
  get shuttingDown(): boolean {
    return this.#host.shutdownSignal.aborted;
  }

  /** Reports how far the handler is, 0 to 100, and a line about it. Does not wait; one a second is stored. */
  progress(percent?: number, message?: string): void {
    this.#host.report({ leaseToken: this.#delivery.leaseToken, percent, message, logLines: [] });
  }

  /** Logs a line on the job, read by `client.logs(id)`. Does not wait; lines over 4 KiB are cut by the server. */
  log(text: string): void {
    this.#host.report({
      leaseToken: this.#delivery.leaseToken,
      logLines: [String(text).slice(0, LOG_LINE_CHARACTERS)],
    });
  }

  /**
   * The parents of a job of a flow, by the names of their nodes (by their ids those that are not of the flow), in the order in
   * which the job named them.
   *
   * @example
   * const parents = await ctx.parents();
   * const page = parents.get("render")?.result;
   */
  async parents(): Promise<ReadonlyMap<string, ParentJob>> {
    const parents = await this.#host.parents(this.id, { signal: this.signal });
    return new Map(parents.map((parent) => [parent.node || parent.jobId, parent]));
  }

  /**
   * Pushes a job in the same commit as this one's completion; not at all when this one does not complete. Throws
   * PayloadError, and LimitExceeded from the 101st on.
   */
  followUp(job: NewJob): void {
    this.#followUps ??= [];
    if (this.#followUps.length >= MAX_FOLLOW_UPS) {
      const metadata = { field: "follow_ups", limit: String(MAX_FOLLOW_UPS) };
      throw new LimitExceeded(`a job may have ${MAX_FOLLOW_UPS} follow-ups`, { metadata });
    }
    this.#followUps.push(buildSpec(job, this.#host.codec));
  }

  /** The jobs to push with the completion. @internal */
  _takeFollowUps(): JobSpec[] {
    return this.#followUps ?? [];
  }

  /** Tells the handler to stop. @internal */
  _stop(stopped: HandlerStopped): void {
    if (this.#stopped === undefined) {
      this.#stopped = stopped;
      this.#abort?.abort(stopped);
    }
  }

  /** Why the handler was told to stop, if it was. @internal */
  get _stopped(): HandlerStopped | undefined {
    return this.#stopped;
  }

  /** For log lines. */
  toString(): string {
    return `job ${this.name} ${this.id} attempt ${this.attempt}`;
  }

  get #spec(): JobSpec {
    return this.#delivery.spec as JobSpec;
  }
}
