// One connection to a server: a grpc-js client with the contract's settings, under promises and AbortSignals.
import type { EventEmitter } from "node:events";
import { type ClientDuplexStream, type ClientReadableStream, Client as GrpcClient } from "@grpc/grpc-js";
import { DeadlineExceeded } from "../errors.js";
import type { WatchEventsRequest, WatchEventsResponse } from "../gen/rockqueue/v1/event_service.js";
import type { PushJobsResponse } from "../gen/rockqueue/v1/job_service.js";
import { CLIENT } from "../version.js";
import { eventMethods, jobMethods, type Method, workMethods } from "./methods.js";
import { PlainSockets } from "./plain-sockets.js";
import { PushStream, type RawPushStream } from "./push-stream.js";
import { Silence } from "./silence.js";
import { fromServiceError } from "./status.js";

export const MESSAGE_BYTES = 5 * 1024 * 1024;

// Keepalive as the contract sets it. gRPC's own retries are off: attempts are counted and named by `retry.ts` alone.
const CHANNEL_OPTIONS = {
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_send_message_length": MESSAGE_BYTES,
  "grpc.max_receive_message_length": MESSAGE_BYTES,
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // A connection of its own for each transport: those that share one would share its failures.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.primary_user_agent": CLIENT,
};

/** A `Work` stream that carries messages as bytes. */
export type RawWorkStream = ClientDuplexStream<Uint8Array, Uint8Array>;

const asBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
// Not a Buffer: what is cut from it reaches users as the Uint8Array that they pushed.
const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Connects by itself when it is used, and again when the connection breaks. */
export class Transport {
  readonly #client: GrpcClient;
  readonly #sockets = new PlainSockets();
  readonly #silence = new Silence(() => this.#sockets.bytesRead);
  readonly #pushes: PushStream;
  readonly #onSilence: () => void;
  #onGone: (() => void) | undefined;

  /** `onSilence`: the server has said nothing for longer than who asked would wait. May be called more than once. */
  constructor(address: string, onSilence: () => void) {
    this.#client = new GrpcClient(address, this.#sockets, CHANNEL_OPTIONS);
    this.#onSilence = onSilence;
    this.#pushes = new PushStream(() => this.#openPushes(), onSilence);
  }

  /** One attempt of one call; see `Channel`. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    bytes: Uint8Array,
    timeoutMs: number,
    patienceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    return this.#asked(patienceMs, () => this.#unary(method, bytes, timeoutMs, signal));
  }

  #unary<Request, Response>(
    method: Method<Request, Response>,
    bytes: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      let onAbort: (() => void) | undefined;
      const call = this.#client.makeUnaryRequest<Uint8Array, Response>(
        method.path,
        asBytes,
        (answer) => method.response.decode(plain(answer)),
        bytes,
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (onAbort !== undefined) {
            signal?.removeEventListener("abort", onAbort);
          }
          if (error !== null) {
            reject(signal?.aborted ? signal.reason : fromServiceError(error));
          } else {
            resolve(response as Response);
          }
        },
      );
      if (signal !== undefined) {
        onAbort = () => call.cancel();
        signal.addEventListener("abort", onAbort, { once: true });
      }
    });
  }

  /** One attempt to push; see `Channel`. */
  push(
    batch: Uint8Array,
    timeoutMs: number,
    patienceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<PushJobsResponse> {
    return this.#asked(patienceMs, () => this.#pushes.push(batch, timeoutMs, patienceMs, signal));
  }

  #openPushes(): RawPushStream {
    const { path, response } = jobMethods.streamPushes;
    return this.#client.makeBidiStreamRequest(path, asBytes, (bytes) => response.decode(plain(bytes)));
  }

  /** A new `Work` stream, without a deadline. */
  openWork(): RawWorkStream {
    return this.#whileOpen(this.#client.makeBidiStreamRequest(workMethods.work.path, asBytes, plain));
  }

  /** A new event stream, without a deadline. */
  watchEvents(request: WatchEventsRequest): ClientReadableStream<WatchEventsResponse> {
    const { path, request: codec, response } = eventMethods.watchEvents;
    const encode = (message: WatchEventsRequest): Buffer => asBytes(codec.encode(message).finish());
    const decode = (bytes: Buffer): WatchEventsResponse => response.decode(plain(bytes));
    return this.#whileOpen(this.#client.makeServerStreamRequest(path, encode, decode, request));
  }

  /** Nothing more will be asked: calls `onGone` and is gone, sockets and all, as soon as what is under way has ended. */
  retire(onGone: () => void): void {
    this.#onGone = onGone;
    this.#leaveIfUnused();
  }

  /** Closes the connection; calls under way fail. */
  close(): void {
    this.#pushes.close();
    this.#client.close();
  }

  /** Runs an attempt, and tells when the server owed an answer for too long. Keeps the process alive meanwhile. */
  async #asked<Response>(patienceMs: number, attempt: () => Promise<Response>): Promise<Response> {
    this.#silence.begin();
    this.#sockets.hold();
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof DeadlineExceeded && this.#silence.lasts() >= patienceMs) {
        this.#onSilence();
      }
      throw error;
    } finally {
      this.#silence.end();
      this.#letGo();
    }
  }

  /** Keeps the process alive until the stream has ended. */
  #whileOpen<Stream extends EventEmitter>(stream: Stream): Stream {
    this.#sockets.hold();
    stream.once("status", () => this.#letGo());
    return stream;
  }

  #letGo(): void {
    this.#sockets.letGo();
    this.#leaveIfUnused();
  }

  #leaveIfUnused(): void {
    if (this.#onGone !== undefined && !this.#sockets.held) {
      this.close();
      this.#sockets.destroy();
      this.#onGone();
    }
  }
}
