// One `Work` stream: its opening, its heartbeats, its watchdog, its end. What is said on it is the session's business.
import { status as grpcStatus, type ServiceError } from "@grpc/grpc-js";
import { fromServiceError } from "../calls/status.js";
import type { RawWorkStream } from "../calls/transport.js";
import { type RockQueueError, Unavailable } from "../errors.js";
import { type Heartbeat, type SessionOpened, WorkRequest, WorkResponse } from "../gen/rockqueue/v1/work_service.js";

const OPEN_TIMEOUT_MS = 10_000;
// A loop that was kept from running has messages waiting: it may read them before silence is taken for a broken stream.
const SECOND_LOOK_MS = 50;

/** Whom a stream tells what happens on it. */
export interface StreamListener {
  /** The session is open; returns how often to send heartbeats, in milliseconds. */
  onOpened(opened: SessionOpened): number;
  /** An encoded `WorkResponse`. */
  onMessage(bytes: Uint8Array): void;
  /** What the next heartbeat says beside its number. */
  heartbeat(): Omit<Heartbeat, "sequence">;
  /** The stream takes messages again. */
  onWritable(): void;
  /** Nothing came for so many milliseconds; the stream is broken off. */
  onSilence(ms: number): void;
}

/** A stream from its opening to its end. */
export class WorkStream {
  readonly #call: RawWorkStream;
  readonly #listener: StreamListener;
  readonly #ended: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #opened = false;
  #blocked = false;
  #over = false;
  #lastReceived = 0;
  #nextBeat = 0;
  #intervalMs = 0;
  #heartbeatDue = false;
  #heartbeats = 0;
  #drainSaid = false;
  #goodbyeSaid = false;
  #serverDrains = false;
  #broken: RockQueueError | undefined;
  #silent = false;

  constructor(call: RawWorkStream, open: Uint8Array, listener: StreamListener) {
    this.#call = call;
    this.#listener = listener;
    this.#ended = new Promise((resolve, reject) => {
      call.on("status", ({ code }) => {
        if (code === grpcStatus.OK) {
          resolve();
        }
      });
      call.on("error", (error) => reject(this.#broken ?? fromServiceError(error as ServiceError)));
    });
    call.on("data", (bytes: Uint8Array) => this.#take(bytes));
    call.on("drain", () => {
      this.#blocked = false;
      this.#listener.onWritable();
    });
    this.#timer = setTimeout(() => {
      this.#silent = true;
      this.#breakOff(`the server did not open the session within ${OPEN_TIMEOUT_MS / 1000} s`);
    }, OPEN_TIMEOUT_MS);
    call.write(open);
  }

  /** Resolves when the server has ended the stream in good order; rejects with why it broke. */
  async ended(): Promise<void> {
    try {
      await this.#ended;
    } finally {
      this.#over = true;
      clearTimeout(this.#timer);
    }
  }

  /** True when the session is open and takes messages. */
  get writable(): boolean {
    return this.#opened && !this.#blocked && !this.#goodbyeSaid && !this.#over;
  }

  /** True once the server has said that it shuts down. */
  get serverDrains(): boolean {
    return this.#serverDrains;
  }

  get goodbyeSaid(): boolean {
    return this.#goodbyeSaid;
  }

  /** True when the stream was broken off because nothing came on it. */
  get silent(): boolean {
    return this.#silent;
  }

  letServerDrain(): void {
    this.#serverDrains = true;
  }

  /** Sends an encoded `WorkRequest`. */
  write(bytes: Uint8Array): void {
    if (!this.#call.write(bytes)) {
      this.#blocked = true;
    }
  }

  /** Says once that the worker takes no more jobs. */
  drain(): void {
    if (!this.#drainSaid) {
      this.#drainSaid = true;
      this.write(WorkRequest.encode({ message: { $case: "drain", value: {} } }).finish());
    }
  }

  /** Says that the worker is done, as the last message. */
  goodbye(): void {
    this.#goodbyeSaid = true;
    this.write(WorkRequest.encode({ message: { $case: "goodbye", value: {} } }).finish());
    this.#call.end();
  }

  /** A heartbeat is to be sent as soon as the stream takes it. */
  beat(): void {
    this.#heartbeatDue = true;
  }

  writeDueHeartbeat(): void {
    if (this.#heartbeatDue) {
      this.#heartbeatDue = false;
      this.#heartbeats += 1;
      const value = { sequence: this.#heartbeats, ...this.#listener.heartbeat() };
      this.write(WorkRequest.encode({ message: { $case: "heartbeat", value } }).finish());
    }
  }

  /** Breaks the stream off. */
  cancel(): void {
    this.#breakOff("the stream was broken off");
  }

  #breakOff(why: string): void {
    this.#broken ??= new Unavailable(why);
    this.#call.cancel();
  }

  #take(bytes: Uint8Array): void {
    if (this.#over || this.#broken !== undefined) {
      return;
    }
    this.#lastReceived = performance.now();
    if (this.#opened) {
      this.#listener.onMessage(bytes);
      return;
    }
    const { message } = WorkResponse.decode(bytes);
    if (message?.$case !== "opened") {
      this.#breakOff("the server did not open the session");
      return;
    }
    this.#opened = true;
    clearTimeout(this.#timer);
    this.#intervalMs = Math.max(1, this.#listener.onOpened(message.value));
    this.#nextBeat = this.#lastReceived + this.#intervalMs;
    this.#keepAlive();
  }

  /** Sends heartbeats, and leaves a server that has said nothing for two of their intervals. */
  #keepAlive(): void {
    if (this.#over) {
      return;
    }
    const now = performance.now();
    const silentAt = this.#lastReceived + 2 * this.#intervalMs;
    if (now >= silentAt) {
      this.#timer = setTimeout(() => this.#lookAgain(silentAt), SECOND_LOOK_MS);
      return;
    }
    if (now >= this.#nextBeat) {
      this.#nextBeat = Math.max(this.#nextBeat + this.#intervalMs, now);
      this.beat();
      this.#listener.onWritable();
    }
    this.#timer = setTimeout(() => this.#keepAlive(), Math.max(0, Math.min(this.#nextBeat, silentAt) - now));
  }

  #lookAgain(silentAt: number): void {
    if (this.#lastReceived + 2 * this.#intervalMs > silentAt) {
      this.#keepAlive();
      return;
    }
    this.#silent = true;
    this.#listener.onSilence(2 * this.#intervalMs);
    this.#breakOff("the server was silent");
  }
}
