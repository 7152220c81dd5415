// How late an event loop is, in memory that other threads can read: they know it also while the loop is blocked.

const PERIOD_MS = 100;
const LAST_BEAT = 0;
const LATEST = 1;

/** The time in milliseconds on a clock that all threads of the process share; it wraps around after 49 days. */
function clockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + Math.floor(nanoseconds / 1e6)) | 0;
}

/** Beats ten times a second as long as the event loop of this thread comes to it. */
export class Pulse {
  /** What a `PulseReader` of any thread reads. */
  readonly memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  readonly #cells = new Int32Array(this.memory);
  readonly #onBeat: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onBeat` is called with each beat. */
  constructor(onBeat: () => void) {
    this.#onBeat = onBeat;
  }

  start(): void {
    Atomics.store(this.#cells, LAST_BEAT, clockMs());
    this.#timer = setInterval(() => this.#beat(), PERIOD_MS);
    // The worker's stream keeps the process alive as long as it should live.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = clockMs();
    const late = lateness(this.#cells, now);
    Atomics.store(this.#cells, LAST_BEAT, now);
    if (late > Atomics.load(this.#cells, LATEST)) {
      Atomics.store(this.#cells, LATEST, late);
    }
    this.#onBeat();
  }
}

/** Reads a pulse, from whatever thread. */
export class PulseReader {
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory);
  }

  /** For how many milliseconds the next beat is overdue. */
  overdueMs(): number {
    return lateness(this.#cells, clockMs());
  }

  /** By how many milliseconds a beat was late at most since this was last asked; one that is overdue is late already. */
  takeLatestMs(): number {
    return Math.max(Atomics.exchange(this.#cells, LATEST, 0), this.overdueMs());
  }
}

function lateness(cells: Int32Array, now: number): number {
  return Math.max(0, ((now - Atomics.load(cells, LAST_BEAT)) | 0) - PERIOD_MS);
}
