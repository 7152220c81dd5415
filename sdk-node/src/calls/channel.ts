// The way to a server: over one connection as long as the server answers on it, over a new one after silence.
import type { ClientReadableStream } from "@grpc/grpc-js";
import { LimitExceeded, type RockQueueError } from "../errors.js";
import type { WatchEventsRequest, WatchEventsResponse } from "../gen/rockqueue/v1/event_service.js";
import type { PushJobsResponse } from "../gen/rockqueue/v1/job_service.js";
import { jobMethods, type Method } from "./methods.js";
import { ENVELOPE_BYTES } from "./push-stream.js";
import { MESSAGE_BYTES, type RawWorkStream, Transport } from "./transport.js";

/** A request that was encoded before. */
export class Encoded {
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * A channel; connects by itself when it is used.
 *
 * gRPC keeps a connection until it knows that it is broken. One whose other side is gone without a word looks whole until
 * keepalive fails, and a stream that is opened again would be opened on it. So what falls silent is retired: what comes next
 * goes over a new connection, and the old one is closed when nothing uses it any more.
 */
export class Channel {
  readonly #address: string;
  readonly #retired = new Set<Transport>();
  #current: Transport;
  #closed = false;

  constructor(address: string) {
    this.#address = address;
    this.#current = this.#newTransport();
  }

  /**
   * One attempt of one call, with `timeoutMs` as its deadline on the wire. Rejects with RockQueueError, or as `signal` says.
   *
   * When the time is up and nothing at all has come for `patienceMs`, the next attempt has a new connection.
   */
  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request | Encoded,
    timeoutMs: number,
    patienceMs = timeoutMs,
    signal?: AbortSignal,
  ): Promise<Response> {
    const bytes = request instanceof Encoded ? request.bytes : method.request.encode(request).finish();
    if (bytes.length > MESSAGE_BYTES) {
      throw tooLarge(method.name, bytes.length);
    }
    signal?.throwIfAborted();
    return this.#current.unary(method, bytes, timeoutMs, patienceMs, signal);
  }

  /**
   * One attempt to push an encoded `PushJobsRequest`, on the stream of pushes: batches are carried out in the order of these
   * calls. Rejects as `unary` does, after `timeoutMs` with DeadlineExceeded; `patienceMs`: see `PushStream`.
   */
  async push(batch: Encoded, timeoutMs: number, patienceMs: number, signal?: AbortSignal): Promise<PushJobsResponse> {
    const { bytes } = batch;
    if (bytes.length + ENVELOPE_BYTES > MESSAGE_BYTES) {
      throw tooLarge(jobMethods.pushJobs.name, bytes.length);
    }
    return this.#current.push(bytes, timeoutMs, patienceMs, signal);
  }

  /** A new `Work` stream, without a deadline. */
  openWork(): RawWorkStream {
    return this.#current.openWork();
  }

  /** A new event stream, without a deadline. */
  watchEvents(request: WatchEventsRequest): ClientReadableStream<WatchEventsResponse> {
    return this.#current.watchEvents(request);
  }

  /** What comes next goes over a new connection: the server was silent on this one. */
  connectAnew(): void {
    this.#retire(this.#current);
  }

  /** Closes the connection; calls under way fail. */
  close(): void {
    this.#closed = true;
    for (const transport of [this.#current, ...this.#retired]) {
      transport.close();
    }
  }

  #newTransport(): Transport {
    const transport: Transport = new Transport(this.#address, () => this.#retire(transport));
    return transport;
  }

  /** Several may notice the same silence: the first of them has the transport replaced. */
  #retire(transport: Transport): void {
    if (transport !== this.#current || this.#closed) {
      return;
    }
    this.#current = this.#newTransport();
    this.#retired.add(transport);
    transport.retire(() => this.#retired.delete(transport));
  }
}

function tooLarge(name: string, size: number): RockQueueError {
  const metadata = { field: name, limit: String(MESSAGE_BYTES), actual: String(size) };
  return new LimitExceeded(`${name}: ${size} bytes are over the limit of ${MESSAGE_BYTES}`, { metadata });
}
