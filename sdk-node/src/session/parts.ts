// What a session is asked for, whom it tells, and how the two talk when they are in different threads.
import type { Code, Violation } from "../errors.js";
import type { Logger } from "../logging.js";

/** What a session asks the server for; durations in milliseconds, undefined for the server's default. */
export interface SessionOptions {
  readonly queues: readonly string[];
  readonly worker: string;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly leaseMs: number | undefined;
  readonly resumeGraceMs: number | undefined;
  /** After how long a handler is stuck; 0 for never. */
  readonly stuckAfterMs: number;
  /** The pulse of the event loop that runs the handlers. */
  readonly pulse: SharedArrayBuffer;
}

/** Whom a session tells what happens. */
export interface SessionListener {
  /** Jobs to work on: an encoded `Deliveries`. */
  onDeliveries(deliveries: Uint8Array): void;
  /** Handlers that should stop: an encoded `WorkResponse`. */
  onCancels(response: Uint8Array): void;
  /** Leases that did not survive a reconnect. */
  onLost(tokens: readonly Uint8Array[]): void;
  /** The server is shutting down: what has not begun should be given back. */
  onServerDrain(): void;
  /** Every settlement before the flush of this number has its answer. */
  onFlushed(id: number): void;
  onLog(level: keyof Logger, message: string): void;
}

/** What a worker can say to its session, wherever that runs. */
export interface SessionLink {
  settle(entries: Uint8Array): void;
  report(reports: Uint8Array): void;
  dropped(tokens: readonly Uint8Array[]): void;
  stuck(tokens: readonly Uint8Array[]): void;
  flush(id: number): void;
  drain(): void;
  sayGoodbye(): void;
  beat(): void;
  close(): void;
}

/** An error on its way between threads. */
export interface ErrorData {
  readonly message: string;
  readonly code: Code;
  readonly reason: string;
  readonly metadata: Record<string, string>;
  readonly fromServer: boolean;
  readonly violations: readonly Violation[];
}

/** From the worker's thread to the session's: a call of SessionLink. */
export type ToSession = { [K in keyof SessionLink]: [K, ...Parameters<SessionLink[K]>] }[keyof SessionLink];

/** From the session's thread to the worker's: a call of SessionListener, or the end. */
export type FromSession =
  | { [K in keyof SessionListener]: [K, ...Parameters<SessionListener[K]>] }[keyof SessionListener]
  | ["ended", ErrorData | undefined];

/** What a session thread is started with. */
export interface ThreadData {
  readonly address: string;
  readonly options: SessionOptions;
}
