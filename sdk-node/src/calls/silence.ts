// How long a connection owes somebody a word. Without I/O.

/** Looks at the count of bytes that came, whenever an attempt begins or ends. */
export class Silence {
  readonly #bytesRead: () => number;
  #heard: number;
  #waiting = 0;
  /** Undefined while nothing was asked since the last byte came. */
  #since: number | undefined;

  constructor(bytesRead: () => number) {
    this.#bytesRead = bytesRead;
    this.#heard = bytesRead();
  }

  /** Somebody asks for something. */
  begin(): void {
    this.#listen();
    this.#waiting += 1;
    // Who gave up before was not answered either: callers in a hurry notice together what each alone does not.
    this.#since ??= performance.now();
  }

  /** Somebody waits no longer, answered or not. */
  end(): void {
    this.#waiting -= 1;
    this.#listen();
  }

  /** For how many milliseconds nothing came although somebody asked. */
  lasts(): number {
    this.#listen();
    return this.#since === undefined ? 0 : performance.now() - this.#since;
  }

  #listen(): void {
    const heard = this.#bytesRead();
    if (heard !== this.#heard) {
      this.#heard = heard;
      this.#since = this.#waiting > 0 ? performance.now() : undefined;
    }
  }
}
