// The connection to a server: a grpc-js channel with the contract's settings, under promises and AbortSignals.
import { type ClientDuplexStream, type ClientReadableStream, credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { LimitExceeded, type RockQueueError } from "../errors.js";
import type { WatchEventsRequest, WatchEventsResponse } from "../gen/rockqueue/v1/event_service.js";
import { CLIENT } from "../version.js";
import { eventMethods, type Method, workMethods } from "./methods.js";
import { fromServiceError } from "./status.js";

const MESSAGE_BYTES = 5 * 1024 * 1024;

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
  // A connection of its own for each client: clients that share one would share its failures.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.primary_user_agent": CLIENT,
};

/** A `Work` stream that carries messages as bytes. */
export type RawWorkStream = ClientDuplexStream<Uint8Array, Uint8Array>;

const asBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
// Not a Buffer: what is cut from it reaches users as the Uint8Array that they pushed.
const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A request that was encoded before. */
export class Encoded {
  constructor(readonly bytes: Uint8Array) {}
}

/** A channel; connects by itself when it is used, and again when the connection breaks. */
export class Channel {
  readonly #client: GrpcClient;

  constructor(address: string) {
    this.#client = new GrpcClient(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  }

  /** One attempt of one call, with `timeoutMs` as its deadline on the wire. Rejects with RockQueueError, or as `signal` says. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request | Encoded,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response> {
    const bytes = request instanceof Encoded ? request.bytes : method.request.encode(request).finish();
    if (bytes.length > MESSAGE_BYTES) {
      return Promise.reject(tooLarge(method.name, bytes.length));
    }
    return new Promise<Response>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
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

  /** A new `Work` stream, without a deadline. */
  openWork(): RawWorkStream {
    return this.#client.makeBidiStreamRequest(workMethods.work.path, asBytes, plain);
  }

  /** A new event stream, without a deadline. */
  watchEvents(request: WatchEventsRequest): ClientReadableStream<WatchEventsResponse> {
    const { path, request: codec, response } = eventMethods.watchEvents;
    const encode = (message: WatchEventsRequest): Buffer => asBytes(codec.encode(message).finish());
    return this.#client.makeServerStreamRequest(path, encode, (bytes) => response.decode(plain(bytes)), request);
  }

  /** Closes the connection; calls under way fail. */
  close(): void {
    this.#client.close();
  }
}

function tooLarge(name: string, size: number): RockQueueError {
  const metadata = { field: name, limit: String(MESSAGE_BYTES), actual: String(size) };
  return new LimitExceeded(`${name}: ${size} bytes are over the limit of ${MESSAGE_BYTES}`, { metadata });
}
