// The handlers that run now: their starts, their ends, and what each end means for the job.
import type { CallOptions } from "../calls/caller.js";
import { PayloadError } from "../errors.js";
import {
  CancelCause,
  type CancelRequest,
  type Delivery,
  type JobReport,
  type Settlement,
} from "../gen/rockqueue/v1/work_service.js";
import type { Logger } from "../logging.js";
import type { Handle } from "../middleware.js";
import type { ParentJob } from "../models/flow.js";
import type { PayloadCodec } from "../payloads.js";
import { refusal } from "../session/refused.js";
import { tokenKey } from "../session/wire.js";
import { type ContextHost, HandlerStopped, JobContext, type StopCause } from "./context.js";
import { cancelled, failed, JobCancelled, NonRetryable, Outcome, released, snoozed } from "./outcomes.js";
import type { Posting } from "./posting.js";
import { settleCompleted } from "./results.js";

const UNKNOWN_NAME_PAUSE_MS = 5_000;

const STOP_CAUSES: Partial<Record<CancelCause, StopCause>> = {
  [CancelCause.CANCEL_CAUSE_REQUESTED]: "REQUESTED",
  [CancelCause.CANCEL_CAUSE_TIMEOUT]: "TIMEOUT",
};

const STOP_MESSAGES: Record<StopCause, string> = {
  REQUESTED: "the job was cancelled",
  TIMEOUT: "the attempt ran longer than the job's timeout",
  LEASE_LOST: "the lease of the job is lost",
  SHUTDOWN: "the worker shuts down",
};

/** One delivery in the hands of its handler. */
interface Run {
  readonly token: Uint8Array;
  readonly context: JobContext;
  /** When the handler began, by `performance.now()`. */
  readonly begun: number;
  stuck: boolean;
  askedToStop: boolean;
  lost: boolean;
  released: boolean;
  abandoned: boolean;
}

/** What the handlers of a worker are run with. */
export interface RunningOptions {
  readonly handlers: ReadonlyMap<string, Handle>;
  readonly codec: PayloadCodec;
  readonly concurrency: number;
  readonly logger: Logger;
  /** After how long a handler is stuck, in milliseconds; 0 for never. */
  readonly stuckAfterMs: number;
  /** Reads the parents of a job. */
  readonly parents: (jobId: string, options: CallOptions) => Promise<readonly ParentJob[]>;
}

/** Starts up to `concurrency` handlers; the other deliveries wait in the order in which they came. */
export class Running implements ContextHost {
  readonly codec: PayloadCodec;
  readonly parents: RunningOptions["parents"];
  readonly #handlers: ReadonlyMap<string, Handle>;
  readonly #posting: Posting;
  readonly #concurrency: number;
  readonly #logger: Logger;
  readonly #stuckAfterMs: number;
  readonly #shutdown = new AbortController();
  readonly #runs = new Map<string, Run>();
  readonly #unknownNames = new Set<string>();
  #waiting: Delivery[] = [];
  #next = 0;
  #accepting = true;
  #whenEmpty: (() => void)[] = [];
  #stuckCount = 0;

  constructor(posting: Posting, { handlers, codec, concurrency, logger, stuckAfterMs, parents }: RunningOptions) {
    this.#posting = posting;
    this.#handlers = handlers;
    this.codec = codec;
    this.#concurrency = concurrency;
    this.#logger = logger;
    this.#stuckAfterMs = stuckAfterMs;
    this.parents = parents;
  }

  get shutdownSignal(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** How many handlers run. */
  get count(): number {
    return this.#runs.size;
  }

  report(report: JobReport): void {
    this.#posting.report(report);
  }

  /**
   * The leases of the handlers that run for longer than they should; undefined when they are those of the last call. Says so
   * once for each.
   */
  newlyStuck(): Uint8Array[] | undefined {
    if (this.#stuckAfterMs === 0) {
      return undefined;
    }
    const since = performance.now() - this.#stuckAfterMs;
    const stuck: Run[] = [];
    // The oldest come first: the first that is not stuck ends the search.
    for (const run of this.#runs.values()) {
      if (run.begun > since) {
        break;
      }
      stuck.push(run);
    }
    const known = stuck.length === this.#stuckCount && stuck.every((run) => run.stuck);
    this.#stuckCount = stuck.length;
    for (const run of stuck.filter((one) => !one.stuck)) {
      run.stuck = true;
      const seconds = this.#stuckAfterMs / 1000;
      this.#logger.warn(`${run.context} runs for more than ${seconds} s without ending`, fieldsOf(run.context));
    }
    return known ? undefined : stuck.map(({ token }) => token);
  }

  // ---- what the server says ---------------------------------------------------------------------------------------

  /** Jobs to work on. */
  deliver(deliveries: readonly Delivery[]): void {
    this.#waiting.push(...deliveries);
    if (this.#accepting) {
      this.#startWaiting();
    } else {
      this.releaseWaiting();
    }
  }

  /** Handlers that should stop, and jobs that need not begin. */
  cancel(cancels: readonly CancelRequest[]): void {
    for (const { leaseToken, cause } of cancels) {
      this.#stop(leaseToken, STOP_CAUSES[cause] ?? "LEASE_LOST");
    }
  }

  /** Leases that are lost: the handlers stop, their outcomes are dropped. */
  lose(tokens: readonly Uint8Array[]): void {
    for (const token of tokens) {
      this.#stop(token, "LEASE_LOST");
    }
  }

  #stop(token: Uint8Array, cause: StopCause): void {
    const key = tokenKey(token);
    const run = this.#runs.get(key);
    const requested = cause === "REQUESTED";
    if (run !== undefined) {
      run.askedToStop ||= requested;
      run.lost ||= !requested;
      stopHandler(run, cause);
    } else if (this.#takeWaiting(key)) {
      requested ? this.#post(cancelled(token)) : this.#posting.drop(token);
    }
  }

  /** Gives back what has not begun. */
  releaseWaiting(): void {
    for (const delivery of this.#takeAllWaiting()) {
      this.#post(released(delivery.leaseToken));
    }
  }

  // ---- the end of the worker --------------------------------------------------------------------------------------

  /** Begins no more handlers, tells those that run, and gives back what waits. */
  stopAccepting(): void {
    this.#accepting = false;
    this.releaseWaiting();
    this.#shutdown.abort(new HandlerStopped(STOP_MESSAGES.SHUTDOWN, "SHUTDOWN"));
  }

  /** Resolves when no handler runs. */
  whenEmpty(): Promise<void> {
    if (this.#runs.size === 0) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }

  /** Tells the handlers that are left to stop; a job whose handler gives way is released. */
  cancelAll(): void {
    for (const run of [...this.#runs.values()]) {
      run.released = true;
      stopHandler(run, "SHUTDOWN");
    }
  }

  /** Releases the jobs of handlers that do not stop, and ignores what becomes of them; returns how many. */
  abandonAll(): number {
    const runs = [...this.#runs.values()];
    this.#runs.clear();
    for (const run of runs) {
      run.abandoned = true;
      run.lost ? this.#posting.drop(run.token) : this.#post(released(run.token));
    }
    this.#tellEmpty();
    return runs.length;
  }

  // ---- one job ----------------------------------------------------------------------------------------------------

  #startWaiting(): void {
    while (this.#next < this.#waiting.length && this.#runs.size < this.#concurrency) {
      const delivery = this.#waiting[this.#next] as Delivery;
      this.#next += 1;
      this.#begin(delivery);
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
  }

  #begin(delivery: Delivery): void {
    const handler = this.#handlers.get(delivery.spec?.name ?? "");
    if (handler === undefined) {
      this.#putOffUnknown(delivery);
      return;
    }
    const context = new JobContext(delivery, this);
    const token = delivery.leaseToken;
    const run: Run = {
      token,
      context,
      begun: performance.now(),
      stuck: false,
      askedToStop: false,
      lost: false,
      released: false,
      abandoned: false,
    };
    this.#runs.set(tokenKey(token), run);
    let result: unknown;
    try {
      result = handler(context);
    } catch (error) {
      this.#end(run, () => this.#settleThrown(run, error));
      return;
    }
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === "function") {
      (result as PromiseLike<unknown>).then(
        (value) => this.#endCompleted(run, value),
        (error: unknown) => this.#end(run, () => this.#settleThrown(run, error)),
      );
    } else {
      this.#endCompleted(run, result);
    }
  }

  #putOffUnknown(delivery: Delivery): void {
    const { name = "", queue = "" } = delivery.spec ?? {};
    if (!this.#unknownNames.has(name)) {
      this.#unknownNames.add(name);
      const seconds = UNKNOWN_NAME_PAUSE_MS / 1000;
      this.#logger.warn(
        `no handler for jobs called "${name}" in queue "${queue}"; they are put off by ${seconds} s for workers that have one`,
        { name, queue },
      );
    }
    this.#post(snoozed(delivery.leaseToken, UNKNOWN_NAME_PAUSE_MS));
  }

  #endCompleted(run: Run, result: unknown): void {
    this.#end(run, () => {
      const { settlement, bytes, problem } = settleCompleted(
        run.token,
        result,
        run.context._takeFollowUps(),
        this.codec,
      );
      if (problem !== undefined) {
        this.#logger.warn(`${run.context}: ${problem}`, fieldsOf(run.context));
      }
      this.#posting.settle(settlement, bytes);
      return undefined;
    });
  }

  /** A handler is over: its outcome is settled unless its lease is lost, and the next one begins. */
  #end(run: Run, settle: () => Settlement | undefined): void {
    if (run.abandoned) {
      return;
    }
    this.#runs.delete(tokenKey(run.token));
    if (run.lost) {
      this.#posting.drop(run.token);
    } else {
      const settlement = settle();
      if (settlement !== undefined) {
        this.#post(settlement);
      }
    }
    if (this.#accepting) {
      this.#startWaiting();
    }
    if (this.#runs.size === 0) {
      this.#tellEmpty();
    }
  }

  #settleThrown(run: Run, error: unknown): Settlement {
    const stopped = run.context._stopped;
    if (stopped !== undefined && (error instanceof JobCancelled || isAbort(error, stopped))) {
      return run.askedToStop ? cancelled(run.token) : released(run.token);
    }
    if (error instanceof PayloadError) {
      this.#logger.warn(`${run.context}: ${error.message}`, fieldsOf(run.context));
      return refusal(run.token, "PAYLOAD_ERROR", error.message, true);
    }
    if (this.#shutdown.signal.aborted && isAbort(error, this.#shutdown.signal.reason)) {
      return released(run.token);
    }
    if (!(error instanceof Outcome) || error instanceof NonRetryable) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#logger.warn(`${run.context} failed: ${text}`, { ...fieldsOf(run.context), err: error });
    }
    return failed(run.token, error);
  }

  #post(settlement: Settlement): void {
    const { outcome } = settlement;
    const error = outcome?.$case === "fail" ? outcome.value.error : undefined;
    this.#posting.settle(settlement, error === undefined ? 0 : error.message.length + error.stack.length);
  }

  #takeAllWaiting(): Delivery[] {
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    return waiting;
  }

  #takeWaiting(key: string): boolean {
    const waiting = this.#takeAllWaiting();
    this.#waiting = waiting.filter((delivery) => tokenKey(delivery.leaseToken) !== key);
    return this.#waiting.length < waiting.length;
  }

  #tellEmpty(): void {
    for (const resolve of this.#whenEmpty.splice(0)) {
      resolve();
    }
  }
}

function stopHandler(run: Run, cause: StopCause): void {
  run.context._stop(new HandlerStopped(STOP_MESSAGES[cause], cause));
}

/** True when what was thrown is the signal's own reason, or the AbortError that a library made of it. */
function isAbort(error: unknown, reason: unknown): boolean {
  if (error === reason) {
    return true;
  }
  const { name, cause } = (error ?? {}) as { name?: unknown; cause?: unknown };
  return name === "AbortError" || (cause !== undefined && cause === reason);
}

function fieldsOf(context: JobContext): Record<string, unknown> {
  return { jobId: context.id, name: context.name, queue: context.queue, attempt: context.attempt };
}
