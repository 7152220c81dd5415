// The client.
import { Backups } from "./backups.js";
import { type ChangeAllOptions, changeAll, changeMany, changeOne } from "./bulk.js";
import { Caller, type CallOptions } from "./calls/caller.js";
import { jobMethods, serverMethods, workMethods } from "./calls/methods.js";
import { everyPage } from "./calls/pages.js";
import type { CallRetry } from "./calls/retry.js";
import { checkedMs, type Milliseconds } from "./durations.js";
import { ClientClosed } from "./errors.js";
import { EventStream, type WatchOptions } from "./events.js";
import { type JobFilter, toFilter } from "./filters.js";
import { Flows } from "./flows/flows.js";
import { JobSpec } from "./gen/rockqueue/v1/job.js";
import { ListOrder } from "./gen/rockqueue/v1/job_service.js";
import { connectionTo } from "./local/connections.js";
import type { LocalOptions } from "./local/server.js";
import { type Logger, SILENT, WARNINGS } from "./logging.js";
import { aroundPush, type Middleware, type NextPush } from "./middleware.js";
import { type JobExplanation, jobExplanation } from "./models/explanation.js";
import { type BulkResult, Job, type JobLogs, jobLogs, type PushedJob } from "./models/job.js";
import { type ServerInfo, serverInfo } from "./models/server-info.js";
import { type WorkerInfo, workerInfo } from "./models/worker-info.js";
import { buildSpec, type JobOptions, type NewJob } from "./options.js";
import { JSON_CODEC, type PayloadCodec } from "./payloads.js";
import { PushBatcher } from "./pushing/batcher.js";
import { checkedDurability, type Durability, pushAll, pushBatch } from "./pushing/push.js";
import { Queues } from "./queues.js";
import { type Raw, rawCalls } from "./raw.js";
import { Schedules } from "./schedules/schedules.js";
import { parseUrl, resolveUrl } from "./url.js";
import { waitForJob, waitForResult } from "./waiting.js";
import { Webhooks } from "./webhooks/webhooks.js";

/** Options of a client. */
export interface ClientOptions {
  /** The time for one call, all its attempts together, in milliseconds. @defaultValue 30000 */
  timeoutMs?: Milliseconds;
  /** How failed calls are repeated; false switches it off. @defaultValue `{}`, the defaults of CallRetry */
  retry?: CallRetry | false;
  /** How payloads and results become bytes. @defaultValue JSON */
  codec?: PayloadCodec;
  /**
   * How long a single push waits for others while a batch is under way, in milliseconds; with none under way it waits for
   * nobody. A second batch overtakes the first where that one has to be repeated, so a finite linger gives up the order of
   * pushes that were not awaited; with 256 callers 1 made for no more pushes a second.
   * @defaultValue Infinity: until the batch under way is answered
   */
  lingerMs?: Milliseconds;
  /** How safe a push must be before it is answered. @defaultValue "fsync" */
  durability?: Durability;
  /** Where the client and its workers log; false for nowhere. @defaultValue warnings and errors on the console */
  logger?: Logger | false;
  /** What stands around every push, and around every handler of the client's workers. @defaultValue none */
  middleware?: readonly Middleware[];
  /** How the server of an `embedded:` URL is started. */
  local?: LocalOptions;
}

/** Options of a listing. */
export interface ListOptions extends JobFilter, CallOptions {
  /** Begin with the newest job. @defaultValue false */
  newestFirst?: boolean;
  /** Also fetch payloads and results. @defaultValue false */
  includePayload?: boolean;
  /** How many jobs to fetch at a time, 1 to 1,000. @defaultValue 100 */
  pageSize?: number;
}

/** What the parts of this package need of a client. @internal */
export interface ClientParts {
  readonly caller: Caller;
  readonly codec: PayloadCodec;
  readonly logger: Logger;
  readonly middleware: readonly Middleware[];
  readonly durability: Durability;
  /** Worker sessions that can be asked for a heartbeat, when a test turned the server's clock. */
  readonly hearts: Set<{ beat(): void }>;
}

/**
 * Talks to RockQueue: to a server, or to a local store that this process serves for itself.
 *
 * Making one does no I/O; the first call connects. One client serves any number of callers. `close()` it, or declare it
 * with `await using`.
 *
 * @example
 * const client = new Client("rockqueue://localhost:7655");
 * await client.push("mail", "welcome_email", { to: "ada@example.com" });
 * await client.close();
 */
export class Client implements AsyncDisposable {
  /** Where RockQueue is. */
  readonly url: string;
  /** Looking after queues, their groups and their limits. */
  readonly queues: Queues;
  /** Jobs that come again and again. */
  readonly schedules: Schedules;
  /** Jobs that wait for jobs. */
  readonly flows: Flows;
  /** Events as HTTP requests. */
  readonly webhooks: Webhooks;
  /** Whole copies of the store. */
  readonly backups: Backups;
  /** The calls of the contract as they are, messages in and messages out. */
  readonly raw: Raw;

  readonly #parts: ClientParts;
  readonly #caller = (): Caller => this._parts().caller;
  readonly #batcher: PushBatcher;
  readonly #push: NextPush | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param url - `rockqueue://host:port` (port 7655 unless given), `unix:///path/to.sock` or `embedded:./jobs.db`.
   * Default: the environment variable ROCKQUEUE_URL, else `rockqueue://localhost:7655`.
   *
   * Throws TypeError and RangeError for a URL or an option that makes no sense.
   */
  constructor(url?: string, options: ClientOptions = {}) {
    const { timeoutMs = 30_000, retry = {}, codec = JSON_CODEC, durability = "fsync", middleware = [] } = options;
    const { lingerMs = Number.POSITIVE_INFINITY } = options;
    const logger = options.logger === false ? SILENT : (options.logger ?? WARNINGS);
    this.url = resolveUrl(url);
    const caller = new Caller(connectionTo(parseUrl(this.url), options.local ?? {}, logger), timeoutMs, retry);
    checkedDurability(durability);
    this.#parts = { caller, codec, logger, middleware, durability, hearts: new Set() };
    this.#batcher = new PushBatcher(
      (specs, waitWhileFull) =>
        pushBatch(caller, specs, durability, waitWhileFull ? {} : { finalReason: "QUEUE_FULL" }),
      async () => (await caller.limits()).entries,
      lingerMs === Number.POSITIVE_INFINITY ? lingerMs : checkedMs(lingerMs, "lingerMs"),
    );
    this.#push = aroundPush(middleware, (jobs) => Promise.all(jobs.map((job) => this.#pushOne(job, undefined))));
    this.queues = new Queues(this.#caller);
    this.schedules = new Schedules(() => this._parts());
    this.flows = new Flows(() => this._parts());
    this.webhooks = new Webhooks(this.#caller);
    this.backups = new Backups(this.#caller);
    this.raw = rawCalls(this.#caller);
  }

  /**
   * A client of a local store: the server is started as a child of this process with the first call, on a Unix socket, and
   * ends with `close`, or with this process, however that ends. Needs the program `rockqueue` in PATH (from a
   * checkout's .venv/bin or `pip install rockqueue-server`) or in ROCKQUEUE_COMMAND. One process at a time holds the folder.
   */
  static local(directory: string, options: ClientOptions = {}): Client {
    return new Client(`embedded:${directory}`, options);
  }

  /** Throws ClientClosed. @internal */
  _parts(): ClientParts {
    if (this.#closing !== undefined) {
      throw new ClientClosed("the client is closed; make a new one");
    }
    return this.#parts;
  }

  /** The worker sessions of this client, closed or not. @internal */
  _hearts(): Iterable<{ beat(): void }> {
    return this.#parts.hearts;
  }

  /**
   * Starts the server of a local store. Other servers are not contacted: the first call does that. Not needed, but it
   * tells early what is wrong with a folder. Rejects with EmbeddedError.
   */
  async connect(): Promise<this> {
    await this._parts().caller.connection.channel();
    return this;
  }

  /** Waits for pushes under way, then disconnects. Calls under way reject. Twice is fine. Stop workers first. */
  close(): Promise<void> {
    this.#closing ??= this.#batcher.idle().then(() => this.#parts.caller.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Stores one job and resolves when it is on disk. Pushes made at the same time travel together.
   *
   * Rejects with PayloadError, InvalidRequest, UniqueConflict, QueueFull, StorageFull, Overloaded, Unavailable,
   * DeadlineExceeded (see `outcomeUnknown`).
   */
  push(job: NewJob, options?: { signal?: AbortSignal }): Promise<PushedJob>;
  push(
    queue: string,
    name: string,
    payload?: unknown,
    options?: JobOptions & { signal?: AbortSignal },
  ): Promise<PushedJob>;
  push(
    queue: string | NewJob,
    name?: string | { signal?: AbortSignal },
    payload?: unknown,
    options: JobOptions & { signal?: AbortSignal } = {},
  ): Promise<PushedJob> {
    let job: NewJob;
    let signal: AbortSignal | undefined;
    if (typeof queue === "string") {
      const { signal: given, ...rest } = options;
      signal = given;
      job = { ...rest, queue, name: name as string, payload };
    } else {
      job = queue;
      signal = (name as { signal?: AbortSignal } | undefined)?.signal;
    }
    if (this.#push === undefined || signal?.aborted) {
      return this.#pushOne(job, signal);
    }
    return this.#push([job]).then(([pushed]) => pushed as PushedJob);
  }

  #pushOne(job: NewJob, signal: AbortSignal | undefined): Promise<PushedJob> {
    try {
      const { codec } = this._parts();
      return this.#batcher.push(job.queue, JobSpec.encode(buildSpec(job, codec)).finish(), signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Stores jobs in order and resolves when they are on disk.
   *
   * Up to the server's limits (1,000 jobs, 4 MiB) all are stored or none. More are cut into several such batches; when one
   * of them fails, `error.metadata.pushed` says how many jobs were stored before it.
   */
  async pushMany(
    jobs: Iterable<NewJob>,
    options: CallOptions & { durability?: Durability } = {},
  ): Promise<PushedJob[]> {
    const push: NextPush = (all) => this.#pushAtOnce(all, options);
    return (aroundPush(this.#parts.middleware, push) ?? push)([...jobs]);
  }

  async #pushAtOnce(
    jobs: readonly NewJob[],
    { durability = this.#parts.durability, ...options }: CallOptions & { durability?: Durability },
  ): Promise<PushedJob[]> {
    const { caller, codec } = this._parts();
    checkedDurability(durability);
    const specs = jobs.map((job) => JobSpec.encode(buildSpec(job, codec)).finish());
    return pushAll(caller, specs, durability, options);
  }

  /** One job, payload and result included. Rejects with JobNotFound. */
  async get(jobId: string, options?: CallOptions): Promise<Job> {
    const { caller, codec } = this._parts();
    const { job } = await caller.call(jobMethods.getJob, { jobId }, options);
    return new Job(job as NonNullable<typeof job>, codec);
  }

  /** What the job's handlers logged. Rejects with JobNotFound. */
  async logs(jobId: string, options?: CallOptions): Promise<JobLogs> {
    return jobLogs(await this._parts().caller.call(jobMethods.getJobLogs, { jobId }, options));
  }

  /** All jobs that match, fetched a page at a time: `for await (const job of client.list({ queue: "mail", state: "DEAD" }))`. */
  list(options: ListOptions = {}): AsyncGenerator<Job, void, void> {
    const { newestFirst = false, includePayload = false, pageSize = 100, ...wanted } = options;
    const order = newestFirst ? ListOrder.LIST_ORDER_NEWEST_FIRST : ListOrder.LIST_ORDER_OLDEST_FIRST;
    const request = { filter: toFilter(wanted), order, pageSize, includePayload };
    return everyPage(this.#caller, jobMethods.listJobs, request, options, ({ jobs }) =>
      jobs.map((job) => new Job(job, this.#parts.codec)),
    );
  }

  /** Why a job is not running, or that it is. Rejects with JobNotFound. */
  async explain(jobId: string, options?: CallOptions): Promise<JobExplanation> {
    return jobExplanation(await this._parts().caller.call(jobMethods.explainJob, { jobId }, options));
  }

  /** Cancels a job; one that is ACTIVE is asked to stop. Rejects with JobNotFound, InvalidState. */
  async cancel(jobId: string, options: CallOptions = {}): Promise<void> {
    await changeOne(this._parts().caller, { kind: "cancel" }, jobId, options);
  }

  /** Cancels jobs; those that could not be are in the result. */
  async cancelMany(jobIds: Iterable<string>, options: CallOptions = {}): Promise<BulkResult> {
    return changeMany(this._parts().caller, { kind: "cancel" }, jobIds, options);
  }

  /** Cancels all unfinished jobs that match and resolves to how many; a dry run only counts them. */
  async cancelAll(options: ChangeAllOptions = {}): Promise<number> {
    return changeAll(this._parts().caller, { kind: "cancel" }, options);
  }

  /** Puts a DEAD or CANCELLED job back, into another queue if one is named. Rejects with JobNotFound, InvalidState. */
  async retry(jobId: string, { queue, ...options }: { queue?: string } & CallOptions = {}): Promise<void> {
    await changeOne(this._parts().caller, { kind: "retry", queue }, jobId, options);
  }

  /** Puts jobs back; those that could not be are in the result. */
  async retryMany(
    jobIds: Iterable<string>,
    { queue, ...options }: { queue?: string } & CallOptions = {},
  ): Promise<BulkResult> {
    return changeMany(this._parts().caller, { kind: "retry", queue }, jobIds, options);
  }

  /** Puts all DEAD and CANCELLED jobs that match back and resolves to how many; a dry run only counts them. */
  async retryAll({ intoQueue, ...options }: ChangeAllOptions & { intoQueue?: string } = {}): Promise<number> {
    return changeAll(this._parts().caller, { kind: "retry", queue: intoQueue }, options);
  }

  /** Removes a job that is not ACTIVE, and all that is known of it. Rejects with JobNotFound, InvalidState. */
  async delete(jobId: string, options: CallOptions = {}): Promise<void> {
    await changeOne(this._parts().caller, { kind: "delete" }, jobId, options);
  }

  /** Removes jobs; those that could not be are in the result. */
  async deleteMany(jobIds: Iterable<string>, options: CallOptions = {}): Promise<BulkResult> {
    return changeMany(this._parts().caller, { kind: "delete" }, jobIds, options);
  }

  /** Removes all jobs that match and are not ACTIVE, and resolves to how many; a dry run only counts them. */
  async deleteAll(options: ChangeAllOptions = {}): Promise<number> {
    return changeAll(this._parts().caller, { kind: "delete" }, options);
  }

  /**
   * Waits until a job is finished. Without `timeoutMs` it waits as long as it takes. Rejects with DeadlineExceeded when the
   * time is up first, and with JobNotFound.
   */
  async wait(jobId: string, options: CallOptions = {}): Promise<Job> {
    const { caller, codec } = this._parts();
    return waitForJob(caller, codec, jobId, options);
  }

  /** Waits for a job and resolves to what its handler returned. Rejects with JobFailed, JobNotFound, DeadlineExceeded. */
  async result<Output = unknown>(jobId: string, options: CallOptions = {}): Promise<Output> {
    const { caller, codec } = this._parts();
    return (await waitForResult(caller, codec, jobId, options)) as Output;
  }

  /** What happens: from now, `after` a cursor, or from the `beginning` of what is kept. See `EventStream`. */
  events(options: WatchOptions = {}): EventStream {
    return new EventStream(() => this._parts().caller, options);
  }

  /** The workers of a queue, or all of them, by name, with how they fare; fetched a page at a time. */
  workers({ queue = "", ...options }: { queue?: string } & CallOptions = {}): AsyncGenerator<WorkerInfo, void, void> {
    const request = { queue, pageSize: 100 };
    return everyPage(this.#caller, workMethods.listWorkers, request, options, (page) => page.workers.map(workerInfo));
  }

  /** Version, capabilities and limits of the server. */
  async serverInfo(options?: CallOptions): Promise<ServerInfo> {
    return serverInfo(await this._parts().caller.call(serverMethods.getServerInfo, {}, options));
  }
}
