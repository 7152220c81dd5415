// The bound on what waits to be pushed: who finds no room waits in line.

export const BUFFER_JOBS = 10_000;
export const BUFFER_BYTES = 16 * 1024 * 1024;

interface Waiting {
  readonly size: number;
  readonly enter: () => void;
}

/** Counts jobs and bytes that are buffered or under way, and lets callers in first come, first served. */
export class BufferRoom {
  #jobs = 0;
  #bytes = 0;
  #line: Waiting[] = [];

  constructor(
    readonly maxJobs: number = BUFFER_JOBS,
    readonly maxBytes: number = BUFFER_BYTES,
  ) {}

  /** Takes room for one job and calls `enter`: now if there is room, else when it is this caller's turn. */
  take(size: number, enter: () => void): void {
    if (this.#line.length === 0 && this.#fits(size)) {
      this.#jobs += 1;
      this.#bytes += size;
      enter();
      return;
    }
    this.#line.push({ size, enter });
  }

  /** Frees room and lets in who now fits. */
  giveBack(jobs: number, bytes: number): void {
    this.#jobs -= jobs;
    this.#bytes -= bytes;
    let entered = 0;
    for (const { size } of this.#line) {
      if (!this.#fits(size)) {
        break;
      }
      this.#jobs += 1;
      this.#bytes += size;
      entered += 1;
    }
    for (const { enter } of this.#line.splice(0, entered)) {
      enter();
    }
  }

  /** How many callers stand in line. */
  get waiting(): number {
    return this.#line.length;
  }

  #fits(size: number): boolean {
    // A job larger than the whole buffer may enter an empty one; the server judges its size.
    return this.#jobs === 0 || (this.#jobs < this.maxJobs && this.#bytes + size <= this.maxBytes);
  }
}
