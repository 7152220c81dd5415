// The worker as users see it: its states, its start, and its graceful end.
import { hostname } from "node:os";
import type { Client } from "../client.js";
import { checkedMs, type Milliseconds } from "../durations.js";
import { RockQueueError } from "../errors.js";
import { parentsOf } from "../flows/flows.js";
import { Deliveries, WorkResponse } from "../gen/rockqueue/v1/work_service.js";
import type { HandledJob } from "../jobs.js";
import type { Logger } from "../logging.js";
import type { Middleware } from "../middleware.js";
import { MAX_WINDOW } from "../session/credits.js";
import { type RunningSession, startSession } from "../session/link.js";
import type { SessionListener, SessionOptions } from "../session/parts.js";
import { Pulse } from "../session/pulse.js";
import { buildHandlers, type Handlers, queuesOf } from "./handlers.js";
import { Posting } from "./posting.js";
import { Running, type RunningOptions } from "./running.js";
import { onSignals } from "./signals.js";
import { withinMs } from "./within.js";

// How long handlers that were cancelled may take to clean up.
const CLEAN_UP_MS = 5_000;
// How much longer than the leases the worker tries to deliver its last settlements.
const FLUSH_SLACK_MS = 5_000;
const DEFAULT_RESUME_GRACE_MS = 10_000;
const GOODBYE_TIMEOUT_MS = 5_000;
const STUCK_AFTER_MS = 600_000;

/** CREATED -> RUNNING -> DRAINING -> STOPPED, or FAILED. */
export type WorkerState = "CREATED" | "RUNNING" | "DRAINING" | "STOPPED" | "FAILED";

/** Options of a worker; durations are milliseconds. */
export interface WorkerOptions {
  /** Typed jobs with their handlers: `welcomeEmail.handle(async (payload, ctx) => …)`. */
  jobs?: readonly HandledJob[];
  /** Functions by the name of the job, for jobs without a definition. */
  handlers?: Handlers;
  /** The queues to work on, 1 to 64. @defaultValue the queues of `jobs`; needed when there are only `handlers` */
  queues?: readonly string[];
  /** How many handlers run at once. @defaultValue 10 */
  concurrency?: number;
  /** How many further jobs are held ready; 0 for long jobs. @defaultValue as many as `concurrency` */
  prefetch?: number;
  /** What people call this worker. @defaultValue host name and process id */
  name?: string;
  /** How long a job is safe from others when this process dies. @defaultValue the queue's setting, 30000 */
  lease?: Milliseconds;
  /** How long the server keeps the leases of a broken connection. @defaultValue 10000 */
  resumeGrace?: Milliseconds;
  /** How long handlers may go on when the worker is asked to stop. @defaultValue 30000 */
  grace?: Milliseconds;
  /**
   * After how long a handler that has not ended is stuck: it is named in `client.workers()` and in one line of the log, and runs
   * on. 0 for never. @defaultValue 600000 (10 min)
   */
  stuckAfter?: Milliseconds;
  /** What stands around every handler, inside the client's middleware. @defaultValue none */
  middleware?: readonly Middleware[];
  /**
   * Whether the session has a thread of its own, so that heartbeats go on while a handler blocks the event loop. Without
   * it, a handler that blocks for longer than the lease loses its job. @defaultValue true
   */
  sessionThread?: boolean;
}

/**
 * Takes jobs from queues and runs their handlers.
 *
 * What a handler returns is the job's result, and what it throws fails the attempt; the job's policy says whether and when
 * it is tried again.
 *
 * @example
 * const worker = new Worker(client, { jobs: [welcomeEmail.handle(sendWelcome)], concurrency: 20 });
 * await worker.run();
 */
export class Worker implements AsyncDisposable {
  /** What people call this worker. */
  readonly name: string;

  readonly #client: Client;
  readonly #options: SessionOptions;
  readonly #pulse = new Pulse(() => this.#live?.tellStuck());
  readonly #jobs: readonly HandledJob[];
  readonly #handlers: Handlers;
  readonly #middleware: readonly Middleware[];
  readonly #graceMs: number;
  readonly #inThread: boolean;
  #state: WorkerState = "CREATED";
  #live: Live | undefined;
  #stopping: Promise<void> | undefined;
  #failure: unknown;
  #hurry = new AbortController();
  #ended: () => void = () => undefined;
  readonly #whenEnded = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });

  /** No I/O. Throws TypeError and RangeError for options that make no sense. */
  constructor(client: Client, options: WorkerOptions) {
    const { jobs = [], handlers = {}, concurrency = 10, middleware = [], lease, resumeGrace } = options;
    const prefetch = options.prefetch ?? concurrency;
    if (!(concurrency >= 1 && prefetch >= 0 && concurrency + prefetch <= MAX_WINDOW)) {
      throw new RangeError(`concurrency must be 1 or more, prefetch 0 or more, together at most ${MAX_WINDOW}`);
    }
    buildHandlers(jobs, handlers, middleware);
    this.name = options.name ?? `${hostname()}-${process.pid}`.slice(0, 128);
    this.#client = client;
    this.#jobs = jobs;
    this.#handlers = handlers;
    this.#middleware = middleware;
    this.#options = {
      queues: queuesOf(jobs, options.queues),
      worker: this.name,
      concurrency,
      prefetch,
      leaseMs: lease === undefined ? undefined : checkedMs(lease, "lease"),
      resumeGraceMs: resumeGrace === undefined ? undefined : checkedMs(resumeGrace, "resumeGrace"),
      stuckAfterMs: checkedMs(options.stuckAfter ?? STUCK_AFTER_MS, "stuckAfter"),
      pulse: this.#pulse.memory,
    };
    this.#graceMs = checkedMs(options.grace ?? 30_000, "grace");
    this.#inThread = options.sessionThread ?? true;
  }

  /** Where the worker is in its life. */
  get state(): WorkerState {
    return this.#state;
  }

  /**
   * Begins to work; the connection is made, and made again, in the background. A worker starts once: rejects with an Error
   * when it has been started before, and with EmbeddedError when a local store cannot be served.
   */
  async start(): Promise<this> {
    if (this.#state !== "CREATED") {
      throw new Error(`this worker is ${this.#state}; a worker starts once`);
    }
    const { caller, codec, logger, middleware, hearts } = this.#client._parts();
    this.#state = "RUNNING";
    try {
      const address = await caller.connection.address();
      if (this.state !== "RUNNING") {
        return this; // stopped while the local server started
      }
      const handlers = buildHandlers(this.#jobs, this.#handlers, [...middleware, ...this.#middleware]);
      const { concurrency, stuckAfterMs } = this.#options;
      this.#pulse.start();
      const parents: RunningOptions["parents"] = (jobId, options) => parentsOf(caller, codec, jobId, options);
      const live = new Live(
        (listener) => startSession(address, this.#options, listener, this.#inThread, logger),
        (posting) => new Running(posting, { handlers, codec, concurrency, logger, stuckAfterMs, parents }),
        logger,
      );
      this.#live = live;
      hearts.add(live.session.link);
      live.session.ended.then(
        () => hearts.delete(live.session.link),
        (error: unknown) => {
          hearts.delete(live.session.link);
          this.#sessionFailed(error);
        },
      );
    } catch (error) {
      this.#failure = error;
      this.#finish("FAILED");
      throw error;
    }
    return this;
  }

  /**
   * Works until `stop`, SIGINT, SIGTERM or the signal given, and resolves when all is settled. Rejects with what made the
   * worker fail. The first process signal drains, a second one does not wait for handlers.
   */
  async run(options: { signal?: AbortSignal; handleSignals?: boolean } = {}): Promise<void> {
    const { signal, handleSignals = true } = options;
    const forget = handleSignals ? onSignals(() => this.#signalled()) : () => undefined;
    const stop = (): void => void this.stop();
    try {
      if (signal?.aborted) {
        stop();
        return;
      }
      signal?.addEventListener("abort", stop, { once: true });
      await this.start();
      await this.wait();
    } finally {
      signal?.removeEventListener("abort", stop);
      forget();
    }
  }

  /** Resolves when the worker has stopped. Rejects with what made it fail. */
  async wait(): Promise<void> {
    await this.#whenEnded;
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  /**
   * Stops in good order; handlers get `grace` milliseconds (default: the worker's) to finish. Never rejects; twice is fine.
   *
   * No more jobs are taken, those that have not begun are given back; handlers see `ctx.shuttingDown`; after the grace
   * period `ctx.signal` is aborted and their jobs are released, which costs no attempt. Leases are kept alive until all
   * outcomes are on the server's disk.
   */
  async stop({ grace = this.#graceMs }: { grace?: Milliseconds } = {}): Promise<void> {
    checkedMs(grace, "grace");
    if (grace === 0) {
      this.#hurry.abort();
    }
    if (this.#state === "CREATED") {
      this.#finish("STOPPED");
    }
    if (this.#state === "RUNNING") {
      this.#beginDraining(grace);
    }
    await this.#stopping;
  }

  /** Stops in good order. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #signalled(): void {
    const { logger } = this.#live ?? {};
    if (this.#stopping !== undefined) {
      logger?.warn("second signal: not waiting for handlers");
      this.#hurry.abort();
    } else if (this.#state === "RUNNING") {
      logger?.info(`stopping; ${this.#graceMs / 1000} s for the handlers`);
      this.#beginDraining(this.#graceMs);
    }
  }

  #beginDraining(graceMs: number): void {
    this.#state = "DRAINING";
    this.#stopping = this.#drain(graceMs);
  }

  /** The order of a graceful stop, as the contract has it. */
  async #drain(graceMs: number): Promise<void> {
    const live = this.#live;
    if (live === undefined) {
      this.#finish("STOPPED");
      return;
    }
    live.session.link.drain();
    live.running.stopAccepting();
    await withinMs(live.running.whenEmpty(), graceMs, this.#hurry.signal);
    live.running.cancelAll();
    await withinMs(live.running.whenEmpty(), CLEAN_UP_MS);
    await this.#flush(live);
    const left = live.running.abandonAll();
    if (left > 0) {
      live.logger.warn(`${left} handlers did not stop; their jobs are released`);
      await this.#flush(live);
    }
    live.session.link.sayGoodbye();
    await withinMs(
      live.session.ended.catch(() => undefined),
      GOODBYE_TIMEOUT_MS,
    );
    this.#finish("STOPPED");
  }

  async #flush(live: Live): Promise<void> {
    const limit = (this.#options.resumeGraceMs ?? DEFAULT_RESUME_GRACE_MS) + FLUSH_SLACK_MS;
    if (!(await withinMs(live.flush(), limit))) {
      live.logger.warn("some outcomes could not be delivered; their jobs run again");
    }
  }

  /** The session has failed; only while the worker works is that a surprise. */
  #sessionFailed(error: unknown): void {
    if (this.#state !== "RUNNING" && this.#state !== "DRAINING") {
      return;
    }
    this.#live?.logger.error(`the worker failed: ${error instanceof RockQueueError ? error.message : String(error)}`);
    this.#failure = error;
    this.#live?.running.stopAccepting();
    this.#live?.running.cancelAll();
    if (this.#state === "RUNNING") {
      this.#finish("FAILED");
    }
  }

  #finish(state: WorkerState): void {
    this.#state = this.#failure === undefined ? state : "FAILED";
    this.#pulse.stop();
    this.#live?.close();
    this.#ended();
  }
}

/** The parts of a started worker. */
class Live implements SessionListener {
  readonly session: RunningSession;
  readonly running: Running;
  readonly #posting: Posting;
  readonly #flushed = new Map<number, () => void>();
  #flushes = 0;

  constructor(
    start: (listener: SessionListener) => RunningSession,
    run: (posting: Posting) => Running,
    readonly logger: Logger,
  ) {
    this.session = start(this);
    this.#posting = new Posting(this.session.link);
    this.running = run(this.#posting);
  }

  onDeliveries(deliveries: Uint8Array): void {
    this.running.deliver(Deliveries.decode(deliveries).deliveries);
  }

  onCancels(response: Uint8Array): void {
    const { message } = WorkResponse.decode(response);
    if (message?.$case === "cancels") {
      this.running.cancel(message.value.cancels);
    }
  }

  onLost(tokens: readonly Uint8Array[]): void {
    this.running.lose(tokens);
  }

  onServerDrain(): void {
    this.running.releaseWaiting();
  }

  onFlushed(id: number): void {
    this.#flushed.get(id)?.();
    this.#flushed.delete(id);
  }

  onLog(level: keyof Logger, message: string): void {
    this.logger[level](message);
  }

  /** Tells the session which handlers are stuck, when that has changed. */
  tellStuck(): void {
    const tokens = this.running.newlyStuck();
    if (tokens !== undefined) {
      this.session.link.stuck(tokens);
    }
  }

  /** Resolves when every outcome is on the server's disk, or the session is over first. */
  flush(): Promise<void> {
    this.#posting.flush();
    this.#flushes += 1;
    const id = this.#flushes;
    const answered = new Promise<void>((resolve) => {
      this.#flushed.set(id, resolve);
    });
    this.session.link.flush(id);
    return Promise.race([answered, this.session.ended.catch(() => undefined)]);
  }

  close(): void {
    this.#posting.close();
    this.session.link.close();
  }
}
