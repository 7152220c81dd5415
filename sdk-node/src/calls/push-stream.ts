// The one `StreamPushes` stream of a client: a batch is a message on it, at less than half the cost of a call.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { type Code, DeadlineExceeded, type RockQueueError, ServerError, Unavailable } from "../errors.js";
import type { PushJobsResponse, StreamPushesResponse } from "../gen/rockqueue/v1/job_service.js";
import { fromEntryStatus, fromServiceError } from "./status.js";

// Fields of StreamPushesRequest, with their wire types.
const SEQUENCE = 1 << 3;
const BATCH = (2 << 3) | 2;

// Timers take no more.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// By these a call says that it changed nothing. The end of a stream says no such thing of the batches that were on it.
const DEFINITE = new Set<Code>(["INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"]);

/** A `StreamPushes` stream that takes messages as bytes. */
export type RawPushStream = ClientDuplexStream<Uint8Array, StreamPushesResponse>;

/** The most that a message is longer than its batch: the sequence, and the length of the batch. */
export const ENVELOPE_BYTES = 16;

/** Sends batches in the order in which `push` is called, on a stream that is opened when it is needed. */
export class PushStream {
  readonly #openCall: () => RawPushStream;
  readonly #onSilence: () => void;
  #stream: OpenStream | undefined;

  /** `onSilence`: a stream was given up because it was silent. */
  constructor(openCall: () => RawPushStream, onSilence: () => void) {
    this.#openCall = openCall;
    this.#onSilence = onSilence;
  }

  /**
   * One attempt to push an encoded `PushJobsRequest`. Rejects with what the server refused it for, with Unavailable or
   * DeadlineExceeded when the outcome is unknown, or as `signal` says.
   *
   * When the time is up, a stream that has kept somebody waiting for `patienceMs` without a word is given up. A caller in a
   * hurry alone is no reason: the others share the stream.
   */
  push(batch: Uint8Array, timeoutMs: number, patienceMs: number, signal?: AbortSignal): Promise<PushJobsResponse> {
    if (signal?.aborted) {
      return Promise.reject(signal.reason);
    }
    if (this.#stream === undefined || this.#stream.over) {
      this.#stream = new OpenStream(this.#openCall(), this.#onSilence);
    }
    return this.#stream.push(batch, timeoutMs, patienceMs, signal);
  }

  /** Breaks the stream off. */
  close(): void {
    this.#stream?.breakOff("the connection was closed");
  }
}

/** Whom an outcome is for. */
interface Waiting {
  answer(response: PushJobsResponse): void;
  fail(error: unknown): void;
}

/** A stream from its opening to its end. */
class OpenStream {
  /** True when it takes no more batches. */
  over = false;
  readonly #call: RawPushStream;
  readonly #onSilence: () => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #unwritten = new Map<number, Uint8Array>();
  #writing = false;
  #last = 0;
  #quietSince = 0;
  #broken: RockQueueError | undefined;

  constructor(call: RawPushStream, onSilence: () => void) {
    this.#call = call;
    this.#onSilence = onSilence;
    call.on("data", (response: StreamPushesResponse) => this.#take(response));
    call.on("error", (error) => {
      this.over = true;
      this.#broken = fromServiceError(error as ServiceError);
    });
    // Comes last, after an error too, when all that the server said was read.
    call.on("end", () => this.#end(this.#broken ?? new Unavailable("the server ended the stream of pushes")));
  }

  push(
    batch: Uint8Array,
    timeoutMs: number,
    patienceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<PushJobsResponse> {
    this.#last += 1;
    const sequence = this.#last;
    if (this.#waiting.size === 0) {
      this.#quietSince = performance.now();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#waiting.delete(sequence);
        this.#unwritten.delete(sequence);
      };
      const fail = (error: unknown): void => {
        leave();
        reject(error);
      };
      const abort = (): void => fail(signal?.reason);
      const timeUp = (): void => {
        fail(new DeadlineExceeded(`PushJobs was not answered within ${Math.round(timeoutMs)} ms`));
        if (performance.now() - this.#quietSince >= patienceMs) {
          // The other side may be gone: the next attempt opens another stream.
          this.breakOff("the stream of pushes was silent");
          this.#onSilence();
        }
      };
      const timer = setTimeout(timeUp, Math.min(timeoutMs, LONGEST_TIMER_MS));
      signal?.addEventListener("abort", abort, { once: true });
      const answer = (response: PushJobsResponse): void => {
        leave();
        resolve(response);
      };
      this.#waiting.set(sequence, { answer, fail });
      this.#unwritten.set(sequence, batch);
      this.#writeNext();
    });
  }

  /** Breaks the stream off; the outcome of what was not answered is unknown. */
  breakOff(why: string): void {
    this.#end(new Unavailable(why));
    this.#call.cancel();
  }

  /** One message at a time: what the server does not read stays here, where its caller can still take it back. */
  #writeNext(): void {
    if (this.#writing || this.over) {
      return;
    }
    for (const [sequence, batch] of this.#unwritten) {
      this.#unwritten.delete(sequence);
      this.#writing = true;
      this.#call.write(message(sequence, batch), () => {
        this.#writing = false;
        this.#writeNext();
      });
      return;
    }
  }

  #take({ outcomes }: StreamPushesResponse): void {
    this.#quietSince = performance.now();
    for (const { sequence, failure, answer } of outcomes) {
      const waiting = this.#waiting.get(sequence);
      if (failure !== undefined) {
        waiting?.fail(fromEntryStatus(failure));
      } else if (answer !== undefined) {
        waiting?.answer(answer);
      } else {
        waiting?.fail(new ServerError("the server did not say what became of the push"));
      }
    }
  }

  #end(error: RockQueueError): void {
    this.over = true;
    for (const waiting of [...this.#waiting.values()]) {
      waiting.fail(ofBatch(error));
    }
  }
}

/** The error of a batch that had no answer when its stream ended. */
function ofBatch(error: RockQueueError): RockQueueError {
  return DEFINITE.has(error.code)
    ? new ServerError(error.message, { ...error, cause: error, code: "INTERNAL" })
    : error.clone();
}

/** A `StreamPushesRequest`. */
function message(sequence: number, batch: Uint8Array): Uint8Array {
  const head = new BinaryWriter().uint32(SEQUENCE).int64(sequence).uint32(BATCH).uint32(batch.length).finish();
  return Buffer.concat([head, batch]);
}
