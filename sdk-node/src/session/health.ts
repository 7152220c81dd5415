// What heartbeats say of the handlers: how late their event loop is, and which of them do not end.
import { toDuration } from "../durations.js";
import type { Heartbeat } from "../gen/rockqueue/v1/work_service.js";
import { PulseReader } from "./pulse.js";
import { keyToken, tokenKey } from "./wire.js";

const MAX_STUCK = 1_000;
// A loop that is later than this is blocked: what is delivered meanwhile has not begun.
const BLOCKED_MS = 1_000;

/** Watches the event loop of the handlers from the session's side. */
export class Health {
  readonly #pulse: PulseReader;
  readonly #concurrency: number;
  readonly #stuckAfterMs: number;
  readonly #onBlocked: (ms: number) => void;
  readonly #notBegun = new Set<string>();
  #stuck: readonly string[] = [];
  #blockTold = false;

  /** `stuckAfterMs` of 0: nothing is ever stuck. `onBlocked` is called once for each block that lasts longer than that. */
  constructor(
    pulse: SharedArrayBuffer,
    concurrency: number,
    stuckAfterMs: number,
    onBlocked: (blockedMs: number) => void,
  ) {
    this.#pulse = new PulseReader(pulse);
    this.#concurrency = concurrency;
    this.#stuckAfterMs = stuckAfterMs;
    this.#onBlocked = onBlocked;
  }

  /** Deliveries came. */
  delivered(leases: readonly string[]): void {
    if (this.#pulse.overdueMs() >= BLOCKED_MS) {
      for (const lease of leases) {
        this.#notBegun.add(lease);
      }
    }
  }

  /** The worker says which of its handlers are stuck. */
  takeStuck(tokens: readonly Uint8Array[]): void {
    this.#stuck = tokens.map(tokenKey);
  }

  /** What the next heartbeat says; `leases` are those of the deliveries not settled, oldest first. */
  heartbeat(leases: Iterable<string>): Omit<Heartbeat, "sequence"> {
    const overdueMs = this.#pulse.overdueMs();
    if (overdueMs < BLOCKED_MS) {
      this.#notBegun.clear();
    }
    const loopLag = toDuration(this.#pulse.takeLatestMs(), "loopLag");
    const stuck = this.#isBlocked(overdueMs) ? this.#blockedLeases(leases) : this.#knownStuck(leases);
    return { loopLag, stuckLeases: stuck.slice(0, MAX_STUCK).map(keyToken) };
  }

  #isBlocked(overdueMs: number): boolean {
    const blocked = this.#stuckAfterMs > 0 && overdueMs >= this.#stuckAfterMs;
    if (blocked && !this.#blockTold) {
      this.#onBlocked(overdueMs);
    }
    this.#blockTold = blocked;
    return blocked;
  }

  /** A blocked loop cannot say what is stuck: all that it had begun, and those are the oldest. */
  #blockedLeases(leases: Iterable<string>): string[] {
    return [...leases].filter((lease) => !this.#notBegun.has(lease)).slice(0, this.#concurrency);
  }

  #knownStuck(leases: Iterable<string>): string[] {
    if (this.#stuck.length === 0) {
      return [];
    }
    const held = new Set(leases);
    return this.#stuck.filter((lease) => held.has(lease));
  }
}
