// A load's line to the harness: parameters and signals come in, readiness and one result go out, as lines of JSON.
import { createInterface } from "node:readline";
import { latencyOf } from "./latency.js";
import { usage, usageSince } from "./usage.js";

const SAMPLE_EVERY_MS = 1000;

/**
 * Parameters and messages are the harness's; which ones there are, each load says.
 * @typedef {Record<string, any>} Message
 */

export class Link {
  #input = createInterface({ input: process.stdin });
  #lines = this.#input[Symbol.asyncIterator]();
  #before = usage();
  /** @type {Message} */
  params = {};

  static async open() {
    const link = new Link();
    link.params = await link.hear();
    return link;
  }

  /** Tells that the load is warm, and resolves when it may go. */
  async ready() {
    this.#say({});
    await this.hear();
    this.#before = usage();
  }

  /**
   * The next message of the harness.
   * @returns {Promise<Message>}
   */
  async hear() {
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new Error("the harness is gone");
    }
    return JSON.parse(value);
  }

  /**
   * Tells the result: so many jobs in so many seconds, with the latencies of calls where there are some.
   * @param {Message} result
   * @param {number[]} latenciesMs
   */
  done(result, latenciesMs = []) {
    this.#say({ ...result, usage: usageSince(this.#before), latency_ms: latencyOf(latenciesMs) });
  }

  close() {
    this.#input.close();
  }

  /** @param {Message} message */
  #say(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  }
}

/** Nanoseconds of the monotonic clock, which on Linux is the same in all processes. */
export function monotonicNs() {
  return Number(process.hrtime.bigint());
}

/** Notes a count once a second: pairs of seconds since the start and the count by then. */
export class Samples {
  /** @type {[number, number][]} */
  taken = [];
  #began = performance.now();
  #timer;

  /** @param {() => number} count */
  constructor(count) {
    this.#timer = setInterval(
      () => this.taken.push([(performance.now() - this.#began) / 1000, count()]),
      SAMPLE_EVERY_MS,
    );
  }

  stop() {
    clearInterval(this.#timer);
    return this.taken;
  }
}
