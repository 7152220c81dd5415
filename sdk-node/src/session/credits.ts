// How many deliveries a worker asks for: the contract's credit algorithm, without I/O.

export const MAX_WINDOW = 10_000;

/**
 * Credits granted and not used, and deliveries not settled.
 *
 * `held` is their sum. `free = window - held` credits are granted as soon as there are `max(1, window / 4)`, or any at all
 * while no delivery waits for a handler. So a window of 1 never stalls, and the window is never overdrawn.
 */
export class CreditLedger {
  readonly window: number;
  readonly #concurrency: number;
  readonly #deliveries = new Set<string>();
  #granted = 0;

  constructor(concurrency: number, prefetch: number) {
    this.#concurrency = concurrency;
    this.window = concurrency + prefetch;
  }

  /** Credits granted and not used, and deliveries not settled. */
  get held(): number {
    return this.#granted + this.#deliveries.size;
  }

  /** The leases of the deliveries not settled, oldest first. */
  get leases(): IterableIterator<string> {
    return this.#deliveries.values();
  }

  /** How many deliveries are not settled. */
  get deliveries(): number {
    return this.#deliveries.size;
  }

  has(lease: string): boolean {
    return this.#deliveries.has(lease);
  }

  /** A delivery came; it used a credit. */
  delivered(lease: string): void {
    this.#granted = Math.max(0, this.#granted - 1);
    this.#deliveries.add(lease);
  }

  /** A delivery is settled, or dropped because its lease is lost. */
  settled(lease: string): void {
    this.#deliveries.delete(lease);
  }

  /** Credits do not survive a stream. */
  streamEnded(): void {
    this.#granted = 0;
  }

  /** The credits to grant now, 0 for none; they count as granted. */
  grant(): number {
    const free = this.window - this.held;
    // Handlers run for the first `concurrency` deliveries: the others have not begun.
    const allBegun = this.#deliveries.size <= this.#concurrency;
    if (free < 1 || !(allBegun || free * 4 >= this.window)) {
      return 0;
    }
    this.#granted += free;
    return free;
  }
}
