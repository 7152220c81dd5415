// The event stream: resumes by itself after the last event, so that none is skipped or repeated.
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { Caller } from "./calls/caller.js";
import { backoff, pauseFor, spread } from "./calls/retry.js";
import { fromServiceError } from "./calls/status.js";
import { type Code, RockQueueError, Unavailable } from "./errors.js";
import { type EventFilter, toEventFilter } from "./filters.js";
import type { WatchEventsRequest, WatchEventsResponse } from "./gen/rockqueue/v1/event_service.js";
import { type Event, eventOf } from "./models/event.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

const FINAL = new Set<Code>([
  "INVALID_ARGUMENT",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "FAILED_PRECONDITION",
  "NOT_FOUND",
]);

/** Which events, and where to begin; all that is given must match, within a list one match is enough. */
export interface WatchOptions extends EventFilter {
  /** Begin after this cursor. Excludes `beginning`. @defaultValue now */
  after?: string;
  /** Begin with the earliest event still kept. Excludes `after`. */
  beginning?: boolean;
  /** Ends the stream, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Events in the order of their commits, without end: `for await (const event of stream)`. Broken connections are resumed
 * where they broke. Throws CursorExpired when the stream fell behind what the server keeps.
 */
export class EventStream implements AsyncIterableIterator<Event>, AsyncDisposable {
  /** Where to resume: everything up to here was handed out. Empty before the first answer of the server. */
  cursor: string;

  readonly #caller: () => Caller;
  readonly #request: WatchEventsRequest;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal | undefined;
  #events: Event[] = [];
  #afterEvents: string;
  #failures = 0;
  #call: ClientReadableStream<WatchEventsResponse> | undefined;
  #responses: AsyncIterator<WatchEventsResponse> | undefined;
  #receiving: Promise<void> | undefined;

  /** @internal */
  constructor(caller: () => Caller, options: WatchOptions) {
    this.#caller = caller;
    this.#request = toRequest(options);
    this.cursor = options.after ?? "";
    this.#afterEvents = this.cursor;
    this.#signal = options.signal;
    const abort = (): void => this.#end(options.signal?.reason);
    if (options.signal?.aborted) {
      abort();
    }
    options.signal?.addEventListener("abort", abort, { once: true });
  }

  /** Resolves when the server has taken the subscription: what happens from then on is in the stream. */
  async start(): Promise<this> {
    if (this.cursor === "" && this.#events.length === 0) {
      await this.#receive();
    }
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    while (this.#events.length === 0) {
      this.#signal?.throwIfAborted();
      if (this.#ending.signal.aborted) {
        return { done: true, value: undefined };
      }
      await this.#receive();
    }
    const value = this.#events.shift() as Event;
    this.cursor = this.#events.length > 0 ? value.cursor : this.#afterEvents;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Event, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends the subscription; twice is fine. */
  async close(): Promise<void> {
    this.#end(undefined);
    await this.#receiving?.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(reason: unknown): void {
    this.#events = [];
    this.#ending.abort(reason);
    this.#call?.cancel();
  }

  /** The answer under way: one for all who wait at the same time. */
  #receive(): Promise<void> {
    this.#receiving ??= this.#nextResponse().finally(() => {
      this.#receiving = undefined;
    });
    return this.#receiving;
  }

  async #nextResponse(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        const response = await this.#read();
        this.#failures = 0;
        this.#take(response);
        return;
      } catch (error) {
        this.#responses = undefined;
        if (this.#ending.signal.aborted) {
          return;
        }
        if (!(error instanceof RockQueueError) || FINAL.has(error.code) || error.code === "CANCELLED") {
          throw error;
        }
        await this.#pause(error);
      }
    }
  }

  async #read(): Promise<WatchEventsResponse> {
    if (this.#responses === undefined) {
      const channel = await this.#caller().connection.channel();
      this.#call = channel.watchEvents(this.#request);
      this.#responses = this.#call[Symbol.asyncIterator]() as AsyncIterator<WatchEventsResponse>;
    }
    let read: IteratorResult<WatchEventsResponse>;
    try {
      read = await this.#responses.next();
    } catch (error) {
      throw fromServiceError(error as ServiceError);
    }
    if (read.done) {
      throw new Unavailable("the server ended the event stream");
    }
    return read.value;
  }

  #take(response: WatchEventsResponse): void {
    this.#request.from = { $case: "cursor", value: response.cursor };
    for (const message of response.events) {
      const event = eventOf(message);
      if (event !== undefined) {
        this.#events.push(event);
      }
    }
    this.#afterEvents = response.cursor;
    if (this.#events.length === 0) {
      this.cursor = response.cursor;
    }
  }

  async #pause(error: RockQueueError): Promise<void> {
    this.#failures += 1;
    // The first attempt after a stream that worked follows at once: servers restart, and events wait.
    const own = this.#failures > 1 ? backoff(this.#failures - 1, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, spread()) : 0;
    const pause = Math.max(own, Math.min(error.retryAfterMs ?? 0, LONGEST_PAUSE_MS));
    await pauseFor(pause, this.#ending.signal).catch(() => undefined);
  }
}

/** The request of a subscription. Throws a TypeError for both a cursor and the beginning, or an unknown type. */
function toRequest({ after, beginning, ...wanted }: WatchOptions): WatchEventsRequest {
  if (after !== undefined && beginning) {
    throw new TypeError("after and beginning exclude each other");
  }
  const filter = toEventFilter(wanted);
  if (beginning) {
    return { from: { $case: "beginning", value: true }, filter };
  }
  return after === undefined ? { filter } : { from: { $case: "cursor", value: after }, filter };
}
