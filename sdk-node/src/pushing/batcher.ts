// Concurrent single pushes travel together: what is pushed in one turn of the event loop, and while a batch is being
// written, is the next batch.
//
// A lone push waits for nobody, and under load each batch is what gathered meanwhile. One batch is under way at a time, so
// that the jobs of a caller are stored in the order of its pushes, whatever is repeated; with a linger a second one is, once
// the first push in line has lingered. One push that the server refuses does not fail the others of its batch.
import { QueueFull, RockQueueError } from "../errors.js";
import type { PushedJob } from "../models/job.js";
import { aboutOneJob, refusedIndexes } from "./refusals.js";
import { BufferRoom } from "./room.js";

const BATCH_JOBS = 1000;
const BATCH_BYTES = 1024 * 1024;
// With a linger.
const OPEN_BATCHES = 2;

/** One push on its way. */
interface Entry {
  readonly queue: string;
  /** The JobSpec, encoded. */
  readonly spec: Uint8Array;
  /** When it stood in line. */
  since: number;
  resolve: (pushed: PushedJob) => void;
  reject: (error: unknown) => void;
  /** The caller has gone: a job that was not sent yet is dropped. */
  abandoned: boolean;
}

/** Sends one batch under a request id of its own; repeats a refusal by a full queue only with `waitWhileFull`. */
export type Send = (specs: readonly Uint8Array[], waitWhileFull: boolean) => Promise<readonly PushedJob[]>;

/** Gathers pushes and sends them. */
export class PushBatcher {
  readonly #send: Send;
  readonly #limit: () => Promise<number>;
  readonly #room: BufferRoom;
  readonly #lingerMs: number;
  readonly #mostOpen: number;
  #queue: Entry[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #open = 0;
  /** The first batch asks for the server's limits, and goes alone: one that asked with it could overtake it. */
  #firstIsBack = false;
  /** Armed while somebody lingers; one for all of them. */
  #lingerer: NodeJS.Timeout | undefined;
  /** Pushes to queues that are full, by queue: later ones stand behind those that wait already. */
  readonly #full = new Map<string, Entry[]>();
  #idle: (() => void)[] = [];
  #maxJobs = BATCH_JOBS;

  /** `limit` tells how many jobs the server takes at once. */
  constructor(send: Send, limit: () => Promise<number>, lingerMs: number, room = new BufferRoom()) {
    this.#send = send;
    this.#limit = limit;
    this.#lingerMs = lingerMs;
    this.#mostOpen = lingerMs === Number.POSITIVE_INFINITY ? 1 : OPEN_BATCHES;
    this.#room = room;
  }

  /** Takes a push; resolves when its job is stored. Rejects at once when `signal` is aborted. */
  push(queue: string, spec: Uint8Array, signal?: AbortSignal): Promise<PushedJob> {
    return new Promise((resolve, reject) => {
      const entry: Entry = { queue, spec, since: 0, resolve, reject, abandoned: false };
      if (signal !== undefined) {
        leaveOnAbort(entry, signal);
      }
      this.#room.take(spec.length, () => this.#submit(entry));
    });
  }

  /** Resolves when nothing is buffered or under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#schedule();
    });
  }

  #submit(entry: Entry): void {
    const behind = this.#full.get(entry.queue);
    if (behind !== undefined) {
      behind.push(entry);
      return;
    }
    if (this.#mostOpen > 1) {
      entry.since = performance.now();
    }
    this.#queue.push(entry);
    this.#queuedBytes += entry.spec.length;
    this.#schedule();
  }

  /** The next batch is cut when this turn of the event loop is over: whoever pushes until then is in it. */
  #schedule(): void {
    if (!this.#scheduled && this.#open < this.#mostOpen) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#sendNext(performance.now());
      });
    }
  }

  #sendNext(now: number): void {
    const [first] = this.#queue;
    if (first === undefined) {
      this.#tellIdle();
      return;
    }
    const due = first.since + this.#lingerMs;
    if (this.#open === 0 || (this.#takesSecond() && (this.#isFull() || now >= due))) {
      this.#open += 1;
      void this.#sendBatch();
    } else if (this.#takesSecond()) {
      this.#linger(due, now);
    }
  }

  #takesSecond(): boolean {
    return this.#firstIsBack && this.#open < this.#mostOpen;
  }

  #isFull(): boolean {
    return this.#queue.length >= this.#maxJobs || this.#queuedBytes >= BATCH_BYTES;
  }

  /** Looks again when the first push in line has lingered. */
  #linger(due: number, now: number): void {
    this.#lingerer ??= setTimeout(() => {
      this.#lingerer = undefined;
      // Timers may be early by less than a millisecond.
      this.#sendNext(Math.max(due, performance.now()));
    }, due - now);
  }

  #tellIdle(): void {
    if (this.#open === 0 && this.#full.size === 0 && this.#room.waiting === 0) {
      clearTimeout(this.#lingerer);
      this.#lingerer = undefined;
      for (const resolve of this.#idle.splice(0)) {
        resolve();
      }
    }
  }

  #cut(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const { spec } of this.#queue) {
      bytes += spec.length;
      if (count > 0 && (count >= this.#maxJobs || bytes > BATCH_BYTES)) {
        break;
      }
      count += 1;
    }
    const batch = this.#queue.splice(0, count);
    this.#queuedBytes -= bytesOf(batch);
    return batch;
  }

  async #sendBatch(): Promise<void> {
    try {
      this.#maxJobs = Math.min(BATCH_JOBS, await this.#limit());
      const batch = this.#cut();
      this.#schedule();
      await this.#push(batch);
    } catch (error) {
      // Only the question for the limits can fail: what a push meets is told to its caller.
      this.#fail(this.#cut(), () => (error instanceof RockQueueError ? error.clone() : error));
    }
    this.#open -= 1;
    this.#firstIsBack = true;
    this.#schedule();
  }

  /** Sends a batch until each of its entries has an answer, or waits elsewhere for room in its queue. */
  async #push(batch: Entry[]): Promise<void> {
    let entries = batch;
    for (;;) {
      entries = this.#withoutAbandoned(entries);
      if (entries.length === 0) {
        return;
      }
      try {
        await this.#sendAndAnswer(entries, false);
        return;
      } catch (error) {
        entries =
          error instanceof QueueFull ? this.#setAside(entries, error) : await this.#withoutRefused(entries, error);
      }
    }
  }

  async #sendAndAnswer(entries: Entry[], waitWhileFull: boolean): Promise<void> {
    const specs = entries.map((entry) => entry.spec);
    const pushed = await this.#send(specs, waitWhileFull);
    for (const [index, entry] of entries.entries()) {
      const answer = pushed[index];
      if (answer === undefined) {
        entry.reject(new RockQueueError("the server answered for fewer jobs than were pushed", { code: "INTERNAL" }));
      } else {
        entry.resolve(answer);
      }
    }
    this.#free(entries);
  }

  /** Fails what the error is about, and returns the innocent rest. */
  async #withoutRefused(entries: Entry[], error: unknown): Promise<Entry[]> {
    if (!(error instanceof RockQueueError)) {
      this.#fail(
        entries,
        (_, cause) => new RockQueueError(`the push could not be sent: ${String(cause)}`, { cause }),
        error,
      );
      return [];
    }
    const refused = refusedIndexes(error, entries.length);
    if (refused.size > 0) {
      for (const index of refused) {
        this.#fail([entries[index] as Entry], () => aboutOneJob(error, index));
      }
      return entries.filter((_, index) => !refused.has(index));
    }
    if (error.code === "INVALID_ARGUMENT" && entries.length > 1) {
      // The server does not say which one: halving finds it.
      const middle = entries.length >> 1;
      await this.#push(entries.slice(0, middle));
      return entries.slice(middle);
    }
    this.#fail(entries, () => error.clone());
    return [];
  }

  /** Lets the pushes to a full queue wait by themselves, and returns those to other queues. */
  #setAside(entries: Entry[], error: QueueFull): Entry[] {
    const named = error.metadata.queue ?? "";
    const queue = entries.some((entry) => entry.queue === named) ? named : (entries[0] as Entry).queue;
    const later = this.#queue.filter((entry) => entry.queue === queue);
    this.#queue = this.#queue.filter((entry) => entry.queue !== queue);
    this.#queuedBytes -= bytesOf(later);
    const waiting = [...entries.filter((entry) => entry.queue === queue), ...later];
    const line = this.#full.get(queue);
    if (line === undefined) {
      this.#full.set(queue, waiting);
      void this.#pushIntoFullQueue(queue);
    } else {
      line.push(...waiting);
    }
    return entries.filter((entry) => entry.queue !== queue);
  }

  /** Finds by halving how many still fit, in order; the first that does not waits as a single push does. */
  async #pushIntoFullQueue(queue: string): Promise<void> {
    const line = this.#full.get(queue) as Entry[];
    let size = Math.max(1, line.length >> 1);
    while (line.length > 0) {
      size = Math.min(size, line.length, this.#maxJobs);
      const entries = this.#withoutAbandoned(line.splice(0, size));
      try {
        if (entries.length > 0) {
          await this.#sendAndAnswer(entries, size === 1);
        }
      } catch (error) {
        if (!(error instanceof QueueFull)) {
          line.unshift(...(await this.#withoutRefused(entries, error)));
        } else if (size === 1) {
          this.#fail(entries, () => error.clone());
        } else {
          line.unshift(...entries);
          size = Math.max(1, size >> 1);
        }
      }
    }
    this.#full.delete(queue);
    this.#schedule();
  }

  #withoutAbandoned(entries: Entry[]): Entry[] {
    if (!entries.some((entry) => entry.abandoned)) {
      return entries;
    }
    this.#free(entries.filter((entry) => entry.abandoned));
    return entries.filter((entry) => !entry.abandoned);
  }

  #fail(entries: Entry[], error: (entry: Entry, cause: unknown) => unknown, cause?: unknown): void {
    for (const entry of entries) {
      entry.reject(error(entry, cause));
    }
    this.#free(entries);
  }

  #free(entries: Entry[]): void {
    this.#room.giveBack(entries.length, bytesOf(entries));
  }
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { spec } of entries) {
    bytes += spec.length;
  }
  return bytes;
}

function leaveOnAbort(entry: Entry, signal: AbortSignal): void {
  const leave = (): void => {
    entry.abandoned = true;
    entry.reject(signal.reason);
  };
  if (signal.aborted) {
    leave();
    return;
  }
  signal.addEventListener("abort", leave, { once: true });
  const { resolve, reject } = entry;
  entry.resolve = (pushed) => {
    signal.removeEventListener("abort", leave);
    resolve(pushed);
  };
  entry.reject = (error) => {
    signal.removeEventListener("abort", leave);
    reject(error);
  };
}
