// What the loads in Node.js share: the harness speaks with them in lines of JSON, as benchmarks/peers/go/main.go tells.
import { createInterface } from "node:readline";

const DIGITS = 20;
const WARM_UP_MS = 300;
// `{"at":"","filler":""}` and the digits.
const FRAME_BYTES = 22 + DIGITS;

/** The monotonic clock in nanoseconds, which is the same in all processes of a machine. */
export const now = () => Number(process.hrtime.bigint());

/** A payload of a fixed size that carries the moment in which it was made. */
export const payload = (bytes) => ({
  at: String(now()).padStart(DIGITS, "0"),
  filler: "x".repeat(Math.max(0, bytes - FRAME_BYTES)),
});

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/**
 * Runs the role that the command line names. A system has `prepare(params)`, `producer(params)`, which returns a function
 * that pushes payloads until they are acknowledged, and `consumer(params, tally)`, which returns a function that starts work
 * and, where acknowledgments can be outstanding at the end, returns another one that waits for them.
 */
export async function main(system) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const hear = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the harness is gone");
    return JSON.parse(value);
  };
  const ready = async () => {
    say({});
    await hear();
  };
  const params = await hear();
  const role = process.argv[2];
  if (role === "prepare") {
    await system.prepare?.(params);
    say({ jobs: 0, began_ns: 0, ended_ns: 0, p50_ms: 0, p99_ms: 0 });
  } else if (role === "produce") {
    say(await produce(system, params, ready));
  } else if (role === "consume") {
    say(await consume(system, params, ready));
  } else {
    throw new Error(`no role ${role}; there are prepare, produce, consume`);
  }
  process.exit(0);
}

async function produce(system, params, ready) {
  const lanes = await Promise.all(Array.from({ length: params.clients }, () => system.producer(params)));
  const warm = await system.producer({ ...params, queue: `${params.queue}-warm` });
  const warmUntil = performance.now() + WARM_UP_MS;
  while (performance.now() < warmUntil) await warm(payloads(params.batch, params.payload_bytes));
  await ready();
  const began = now();
  const until = performance.now() + params.seconds * 1000;
  let claimed = 0;
  let pushed = 0;
  await Promise.all(
    lanes.map(async (push) => {
      while (performance.now() < until) {
        const size = params.jobs > 0 ? Math.min(params.batch, params.jobs - claimed) : params.batch;
        if (size <= 0) return;
        claimed += size;
        await push(payloads(size, params.payload_bytes));
        pushed += size;
        if (params.pause_ms > 0) await sleep(params.pause_ms);
      }
    }),
  );
  return { jobs: pushed, began_ns: began, ended_ns: now(), p50_ms: 0, p99_ms: 0 };
}

async function consume(system, params, ready) {
  const tally = new Tally(params.jobs);
  const start = await system.consumer(params, tally);
  await ready();
  const began = now();
  const stop = await start();
  await Promise.race([tally.enough, sleep(params.seconds * 1000)]);
  if (stop) {
    await stop();
    tally.touch();
  }
  const [p50_ms, p99_ms] = tally.percentiles();
  return { jobs: tally.count, began_ns: began, ended_ns: tally.last, p50_ms, p99_ms };
}

const payloads = (count, bytes) => Array.from({ length: count }, () => payload(bytes));

/** Counts acknowledged jobs, and ends the load when there are enough. */
class Tally {
  count = 0;
  last = 0;
  #delays = [];
  #wanted;
  #resolve = () => {};

  constructor(wanted) {
    this.#wanted = wanted;
    this.enough = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Notes how long ago a job was made. */
  started(job) {
    this.#delays.push(now() - Number(job.at));
  }

  /** Counts jobs whose acknowledgment the server has. */
  acked(jobs) {
    this.count += jobs;
    this.touch();
    if (this.#wanted > 0 && this.count >= this.#wanted) this.#resolve();
  }

  /** Makes this the moment in which the load ended. */
  touch() {
    this.last = now();
  }

  percentiles() {
    const ordered = this.#delays.sort((one, other) => one - other);
    const at = (share) => (ordered[Math.max(Math.ceil(share * ordered.length), 1) - 1] ?? 0) / 1e6;
    return [at(0.5), at(0.99)];
  }
}
