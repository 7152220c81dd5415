// A worker session: one stream after the other, until the worker says goodbye. Runs where user code cannot block it.

import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Channel } from "../calls/channel.js";
import { backoff, spread } from "../calls/retry.js";
import { fromDuration } from "../durations.js";
import { type Code, RockQueueError, Unavailable } from "../errors.js";
import {
  CancelCause,
  type CancelRequests,
  JobReports,
  type SessionOpened,
  Settlement,
  WorkRequest,
  WorkResponse,
} from "../gen/rockqueue/v1/work_service.js";
import { CreditLedger } from "./credits.js";
import { Health } from "./health.js";
import { openMessage } from "./opening.js";
import { Outbox, type Refused, reportsOf } from "./outbox.js";
import type { SessionListener, SessionOptions } from "./parts.js";
import { forRefused } from "./refused.js";
import { WorkStream } from "./stream.js";
import { deliveriesOf, deliveryKeys, keyToken, SETTLEMENT_TAG, tokenKey } from "./wire.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
// One break is nothing to speak of; one that the first reconnect does not mend is.
const WARN_AT_PAUSE = 2;

const FATAL = new Set<Code>([
  "INVALID_ARGUMENT",
  "FAILED_PRECONDITION",
  "UNIMPLEMENTED",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
]);

/** Keeps the stream, the credits, the heartbeats and the settlements of one worker. */
export class Session {
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #ledger: CreditLedger;
  readonly #outbox = new Outbox();
  readonly #health: Health;
  /** Leases that are lost while their handlers still run. */
  readonly #lost = new Set<string>();
  #flushes: number[] = [];
  #sessionId = "";
  #pauses = 0;
  #draining = false;
  #leaving = false;
  #closed = false;
  #wake: (() => void) | undefined;
  #stream: WorkStream | undefined;

  /** The channel is the session's alone. */
  constructor(channel: Channel, options: SessionOptions, listener: SessionListener) {
    this.#channel = channel;
    this.#options = options;
    this.#listener = listener;
    this.#ledger = new CreditLedger(options.concurrency, options.prefetch);
    this.#health = new Health(options.pulse, options.concurrency, options.stuckAfterMs, (ms) => this.#tellBlocked(ms));
  }

  /** Works until goodbye. Rejects with what no reconnect can mend. */
  async run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#serve();
        if (this.#leaving) {
          return;
        }
        this.#listener.onLog("info", "worker session ended by a server that shuts down; opening a new one");
      } catch (error) {
        this.#takeFailure(error);
      } finally {
        this.#stream = undefined;
        this.#ledger.streamEnded();
        this.#outbox.streamEnded();
      }
      await this.#pause();
      if (this.#leaving) {
        // The worker has waited for its settlements as long as it wanted to.
        return;
      }
    }
  }

  #takeFailure(error: unknown): void {
    if (!(error instanceof RockQueueError)) {
      throw error;
    }
    if (error.reason === "SESSION_TAKEN") {
      this.#forgetSession();
    } else if (FATAL.has(error.code)) {
      throw error;
    }
    this.#listener.onLog("debug", `worker stream broke off: ${error.message}`);
  }

  #pause(): Promise<void> {
    const pause = this.#pauses === 0 ? 0 : backoff(this.#pauses, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, spread());
    this.#pauses += 1;
    if (this.#pauses === WARN_AT_PAUSE && !this.#leaving) {
      this.#listener.onLog("warn", "no connection for the worker session; trying on");
    }
    if (this.#leaving || this.#closed) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // ---- what the worker says ---------------------------------------------------------------------------------------

  /** Outcomes, as `SettlementBatch` encodes them. */
  settle(entries: Uint8Array): void {
    const leases = this.#outbox.add(entries);
    if (this.#lost.size > 0) {
      this.#forget(this.#outbox.drop(new Set(leases.filter((lease) => this.#lost.delete(lease)))));
    }
    this.#write();
  }

  /** Outcomes that were dropped leave nothing behind: their deliveries are settled. */
  #forget(dropped: readonly string[]): number {
    for (const lease of dropped) {
      this.#ledger.settled(lease);
    }
    return dropped.length;
  }

  /** Progress and log lines: an encoded `JobReports`. */
  report(reports: Uint8Array): void {
    for (const report of JobReports.decode(reports).reports) {
      if (!this.#lost.has(tokenKey(report.leaseToken))) {
        this.#outbox.report(report);
      }
    }
    this.#write();
  }

  /** Handlers of lost leases have ended; there is nothing to settle. */
  dropped(tokens: readonly Uint8Array[]): void {
    for (const token of tokens) {
      const lease = tokenKey(token);
      this.#ledger.settled(lease);
      this.#lost.delete(lease);
    }
    this.#write();
  }

  /** These handlers run for longer than they should. */
  stuck(tokens: readonly Uint8Array[]): void {
    this.#health.takeStuck(tokens);
  }

  #tellBlocked(ms: number): void {
    const seconds = Math.round(ms / 1000);
    this.#listener.onLog(
      "warn",
      `a handler has blocked the event loop for ${seconds} s; no other one comes to its turn`,
    );
  }

  /** Asks to be told, with this number, when every settlement so far has its answer. */
  flush(id: number): void {
    this.#flushes.push(id);
    this.#tellFlushed();
  }

  /** Grants no more credits, and tells the server. */
  drain(): void {
    this.#draining = true;
    this.#write();
  }

  /** Ends the session in good order; `run` resolves when the server has ended the stream. */
  sayGoodbye(): void {
    this.#leaving = true;
    this.#wake?.();
    this.#write();
  }

  /** Sends a heartbeat now. */
  beat(): void {
    this.#stream?.beat();
    this.#write();
  }

  /** Ends the session, whatever it is doing. */
  close(): void {
    this.#closed = true;
    this.#leaving = true;
    this.#wake?.();
    this.#stream?.cancel();
  }

  // ---- one stream -------------------------------------------------------------------------------------------------

  async #serve(): Promise<void> {
    const open = openMessage(this.#options, this.#sessionId, this.#heldLeases());
    const stream = new WorkStream(this.#channel.openWork(), open, {
      onOpened: (opened) => this.#takeOpened(opened),
      onMessage: (bytes) => this.#take(bytes),
      heartbeat: () => this.#health.heartbeat(this.#ledger.leases),
      onWritable: () => this.#write(),
      onSilence: (ms) => this.#listener.onLog("warn", `nothing came from the server for ${ms / 1000} s; reconnecting`),
    });
    this.#stream = stream;
    try {
      await stream.ended();
    } finally {
      if (stream.silent) {
        // Opened again on the same connection, it might stay as silent.
        this.#channel.connectAnew();
      }
    }
    if (!stream.goodbyeSaid) {
      throw new Unavailable("the server ended the stream");
    }
    this.#sessionId = "";
  }

  #heldLeases(): string[] {
    if (this.#sessionId === "") {
      return [];
    }
    const running = [...this.#ledger.leases].filter((lease) => !this.#lost.has(lease));
    return [...new Set([...running, ...this.#outbox.leases])];
  }

  /** Returns how often to send heartbeats, in milliseconds. */
  #takeOpened(opened: SessionOpened): number {
    if (this.#sessionId !== "" && !opened.resumed) {
      this.#lose(new Set([...this.#ledger.leases, ...this.#outbox.leases]));
    } else if (opened.lostLeases.length > 0) {
      this.#lose(new Set(opened.lostLeases.map(tokenKey)));
    }
    this.#sessionId = opened.sessionId;
    queueMicrotask(() => this.#write());
    return opened.heartbeatInterval === undefined ? 0 : fromDuration(opened.heartbeatInterval);
  }

  #lose(leases: ReadonlySet<string>): void {
    const dropped = this.#forget(this.#outbox.drop(leases));
    const running = [...leases].filter((lease) => this.#ledger.has(lease) && !this.#lost.has(lease));
    for (const lease of running) {
      this.#lost.add(lease);
    }
    if (dropped + running.length > 0) {
      const count = dropped + running.length;
      this.#listener.onLog("warn", `${count} leases were lost while the worker had no connection`);
    }
    this.#tellFlushed();
    if (running.length > 0) {
      this.#listener.onLost(running.map(keyToken));
    }
  }

  #forgetSession(): void {
    this.#listener.onLog("warn", `another stream took over the worker session ${this.#sessionId}; opening a new one`);
    this.#outbox.streamEnded();
    this.#lose(new Set([...this.#ledger.leases, ...this.#outbox.leases]));
    this.#sessionId = "";
  }

  // ---- what the server says ---------------------------------------------------------------------------------------

  #take(bytes: Uint8Array): void {
    if (!this.#stream?.serverDrains) {
      // The stream works: the next break is the first again.
      this.#pauses = 0;
    }
    const deliveries = deliveriesOf(bytes);
    if (deliveries !== undefined) {
      this.#takeDeliveries(deliveries);
      return;
    }
    const { message } = WorkResponse.decode(bytes);
    switch (message?.$case) {
      case "settled":
        for (const refused of this.#outbox.answered(message.value)) {
          this.#takeRefused(refused);
        }
        this.#tellFlushed();
        this.#write();
        break;
      case "cancels":
        this.#takeCancels(message.value, bytes);
        break;
      case "drain":
        this.#pauses = 1;
        this.#stream?.letServerDrain();
        this.#listener.onServerDrain();
        this.#write();
        break;
    }
  }

  #takeDeliveries(deliveries: Uint8Array): void {
    const leases = deliveryKeys(deliveries);
    for (const lease of leases) {
      this.#ledger.delivered(lease);
    }
    this.#health.delivered(leases);
    this.#listener.onDeliveries(deliveries);
    this.#write();
  }

  #takeCancels({ cancels }: CancelRequests, bytes: Uint8Array): void {
    for (const { leaseToken, cause } of cancels) {
      const lease = tokenKey(leaseToken);
      if (cause !== CancelCause.CANCEL_CAUSE_REQUESTED && this.#ledger.has(lease)) {
        this.#lost.add(lease);
      }
    }
    this.#listener.onCancels(bytes);
  }

  #takeRefused({ settlement, status }: Refused): void {
    const outcome = settlement.outcome?.$case ?? "nothing";
    if (status.reason === "LEASE_LOST") {
      this.#listener.onLog("info", `a settlement (${outcome}) came too late: ${status.message}`);
      return;
    }
    this.#listener.onLog("warn", `the server refused a settlement (${outcome}): ${status.reason}: ${status.message}`);
    // The job is still ACTIVE, and heartbeats would keep it so for ever: it has to be settled somehow.
    const instead = forRefused(settlement, status);
    if (instead !== undefined) {
      this.#outbox.add(Settlement.encode(instead, new BinaryWriter().uint32(SETTLEMENT_TAG).fork()).join().finish());
    }
  }

  #tellFlushed(): void {
    if (this.#flushes.length > 0 && this.#outbox.idle) {
      for (const id of this.#flushes.splice(0)) {
        this.#listener.onFlushed(id);
      }
    }
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  /** Says all there is to say now, in the order in which the server should hear it, as far as it takes it. */
  #write(): void {
    const stream = this.#stream;
    if (stream === undefined || !stream.writable) {
      return;
    }
    if (this.#draining) {
      stream.drain();
    }
    stream.writeDueHeartbeat();
    // Before the settlements: reports for settled leases are dropped.
    if (this.#outbox.hasReports) {
      for (const reports of this.#outbox.takeReports()) {
        stream.write(WorkRequest.encode({ message: reportsOf(reports) }).finish());
      }
    }
    const mayGrant = !this.#draining && !stream.serverDrains;
    if (this.#outbox.hasSettlements) {
      // Credits go with the settlements that free them: no batch overdraws the window for those behind it.
      do {
        stream.write(this.#outbox.takeBatch((settled) => this.#grantFor(settled, mayGrant)));
      } while (this.#outbox.hasSettlements && stream.writable);
    } else {
      this.#grant(stream, mayGrant);
    }
    const wanted = this.#leaving || (stream.serverDrains && this.#ledger.deliveries === 0);
    if (wanted && this.#outbox.idle) {
      stream.goodbye();
    }
  }

  #grantFor(settled: readonly string[], mayGrant: boolean): number {
    for (const lease of settled) {
      this.#ledger.settled(lease);
    }
    return mayGrant ? this.#ledger.grant() : 0;
  }

  #grant(stream: WorkStream, mayGrant: boolean): void {
    const credits = mayGrant ? this.#ledger.grant() : 0;
    if (credits > 0) {
      stream.write(WorkRequest.encode({ message: { $case: "credits", value: { credits } } }).finish());
    }
  }
}
