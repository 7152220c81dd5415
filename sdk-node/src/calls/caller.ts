// One client's way to the server: the connection, opened when it is first needed, and calls with deadline and retries.
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { checkedMs, type Milliseconds } from "../durations.js";
import { ClientClosed, RockQueueError } from "../errors.js";
import type { PushJobsResponse } from "../gen/rockqueue/v1/job_service.js";
import type { GetServerInfoResponse, Limits } from "../gen/rockqueue/v1/server_service.js";
import { type Channel, Encoded } from "./channel.js";
import { jobMethods, type Method, serverMethods } from "./methods.js";
import { type CallRetry, callWithRetry, checkedRetry } from "./retry.js";

/** Options of every call. */
export interface CallOptions {
  /** The longest the call may take, all its attempts together, in milliseconds. @defaultValue the client's `timeoutMs` */
  timeoutMs?: Milliseconds;
  /** Aborts the call, which then rejects with the signal's reason. A change may have happened all the same. */
  signal?: AbortSignal;
}

/** What the callers inside this package may set besides. */
export interface InnerCallOptions extends CallOptions {
  attemptTimeoutMs?: number;
  finalReason?: string;
  retry?: boolean;
  requestId?: string;
}

/** Where the channel comes from: a server that is there, or one that has to be started first. */
export interface Connection {
  /** What gRPC dials. Starts the server if need be. */
  address(): string | Promise<string>;
  channel(): Channel | Promise<Channel>;
  close(): Promise<void>;
}

export const DEFAULT_BATCH = { entries: 1000, bytes: 4 * 1024 * 1024 };
const LIMITS_TIMEOUT_MS = 5_000;

/** What a batch may hold. */
export interface BatchLimits {
  readonly entries: number;
  readonly bytes: number;
}

/** Makes calls. */
export class Caller {
  readonly #policy: Required<CallRetry> | undefined;
  readonly #timeoutMs: number;
  readonly #ending = new AbortController();
  #limits: Promise<BatchLimits> | undefined;

  constructor(
    readonly connection: Connection,
    timeoutMs: Milliseconds,
    retry: CallRetry | false,
  ) {
    this.#timeoutMs = checkedMs(timeoutMs, "timeoutMs");
    this.#policy = retry === false ? undefined : checkedRetry(retry);
    // Every call that pauses listens: any number is no leak.
    setMaxListeners(0, this.#ending.signal);
  }

  /** The time for a call that is given none, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** One logical call, with the client's deadline and retries. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: InnerCallOptions = {},
  ): Promise<Response> {
    const requestId = options.requestId ?? (request as { requestId?: string }).requestId ?? "";
    const encoded = new Encoded(method.request.encode(request).finish());
    return this.#repeat(method, { ...options, requestId }, (channel, timeoutMs) =>
      channel.unary(method, encoded, timeoutMs, this.#patienceMs, options.signal),
    );
  }

  /** One logical push of a batch that was encoded before: as a call, but each attempt is a message on the stream of pushes. */
  push(batch: Encoded, options: InnerCallOptions): Promise<PushJobsResponse> {
    return this.#repeat(jobMethods.pushJobs, options, (channel, timeoutMs) =>
      channel.push(batch, timeoutMs, this.#patienceMs, options.signal),
    );
  }

  /** How long a server that is asked something may be silent, in milliseconds. */
  get #patienceMs(): number {
    // Less than a whole attempt: the one that waited longest may have been sent a moment after the server fell silent.
    return Math.min(this.#policy?.attemptTimeout ?? this.#timeoutMs, this.#timeoutMs) / 2;
  }

  async #repeat<Request, Response>(
    method: Method<Request, Response>,
    options: InnerCallOptions,
    attemptOnce: (channel: Channel, timeoutMs: number) => Promise<Response>,
  ): Promise<Response> {
    this.#throwIfClosed();
    const { timeoutMs = this.#timeoutMs, requestId = "", attemptTimeoutMs, finalReason, signal } = options;
    signal?.throwIfAborted();
    checkedMs(timeoutMs, "timeoutMs");
    const channel = await this.connection.channel();
    const attempt = (ms: number): Promise<Response> => this.#attempt(attemptOnce(channel, ms));
    return callWithRetry(method as Method<unknown, unknown>, attempt, {
      timeoutMs,
      policy: options.retry === false ? undefined : this.#policy,
      requestId,
      attemptTimeoutMs,
      finalReason,
      signal: signal === undefined ? this.#ending.signal : AbortSignal.any([signal, this.#ending.signal]),
    });
  }

  async #attempt<Response>(answer: Promise<Response>): Promise<Response> {
    try {
      return await answer;
    } catch (error) {
      if (this.#ending.signal.aborted) {
        throw new ClientClosed("the client was closed before the call was answered", { cause: error });
      }
      throw error;
    }
  }

  /** The server's limits, asked for once; the contract's when the server does not say. */
  async limits(): Promise<BatchLimits> {
    this.#limits ??= this.#askLimits();
    const asked = this.#limits;
    try {
      return await asked;
    } catch (error) {
      if (this.#limits === asked) {
        this.#limits = undefined;
      }
      if (error instanceof ClientClosed || !(error instanceof RockQueueError)) {
        throw error;
      }
      return DEFAULT_BATCH;
    }
  }

  async #askLimits(): Promise<BatchLimits> {
    const options = { timeoutMs: LIMITS_TIMEOUT_MS, retry: false };
    const info: GetServerInfoResponse = await this.call(serverMethods.getServerInfo, {}, options);
    const limits: Partial<Limits> = info.limits ?? {};
    return { entries: limits.batchEntries || DEFAULT_BATCH.entries, bytes: limits.batchBytes || DEFAULT_BATCH.bytes };
  }

  /** Ends the connection; calls under way reject with ClientClosed. */
  async close(): Promise<void> {
    this.#ending.abort(new ClientClosed("the client was closed before the call was answered"));
    await this.connection.close();
  }

  /** Throws ClientClosed after `close`. */
  #throwIfClosed(): void {
    if (this.#ending.signal.aborted) {
      throw new ClientClosed("the client is closed; make a new one");
    }
  }
}

/** An id for one logical call, kept over its retries. */
export function newRequestId(): string {
  return randomUUID();
}
