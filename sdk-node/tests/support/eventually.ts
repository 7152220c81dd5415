// Bounded waiting for what happens elsewhere.
import { setTimeout as sleep } from "node:timers/promises";

// Long enough for a machine that is busy with other things; nothing waits this long when all is well.
const LIMIT_MS = 40_000;
const LOOK_MS = 5;

/** Resolves once something holds; rejects, saying what was waited for, when it does not within 40 s. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`after ${LIMIT_MS / 1000} s still not: ${what}`);
    }
    await sleep(LOOK_MS);
  }
}

/** Something that happens once, for one side to wait for and the other to say. */
export class Gate {
  readonly passed: Promise<void>;
  isOpen = false;
  #open: () => void = () => undefined;

  constructor() {
    this.passed = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.isOpen = true;
    this.#open();
  }
}
