// Load `e2e_work`: a worker of the SDK that counts; it ends when all completions are on the server's disk.
import { Worker } from "rockqueue";
import { monotonicNs, Samples } from "./link.js";
import { noop, payloadOf, QUEUE, withClient } from "./noop-job.js";

/** Counts handlers, and lets somebody wait for a number of them. */
class Counter {
  count = 0;
  #wanted = 0;
  #reached = () => {};

  add() {
    this.count += 1;
    if (this.count === this.#wanted) {
      this.#reached();
    }
  }

  /**
   * Resolves when there have been so many since the start.
   * @param {number} wanted
   */
  async reach(wanted) {
    this.#wanted = wanted;
    if (this.count < wanted) {
      await new Promise((resolve) => {
        this.#reached = () => resolve(undefined);
      });
    }
  }
}

/**
 * Parameters: address, concurrency, payload_bytes, warm_up_jobs. Told `{"jobs": N}` after the go, it ends after N jobs.
 * @param {import("./link.js").Link} link
 */
export async function e2eWork(link) {
  const { address, concurrency, payload_bytes, warm_up_jobs } = link.params;
  const counter = new Counter();
  await withClient(address, async (client) => {
    const payload = payloadOf(payload_bytes);
    await client.pushMany(Array.from({ length: warm_up_jobs }, () => noop.new(payload)));
    const worker = new Worker(client, { jobs: [noop.handle(async () => counter.add())], concurrency });
    await worker.start();
    await counter.reach(warm_up_jobs);
    await link.ready();
    const beganNs = monotonicNs();
    const samples = new Samples(() => counter.count - warm_up_jobs);
    const { jobs } = await link.hear();
    await counter.reach(warm_up_jobs + jobs);
    await worker.stop();
    const endedNs = monotonicNs();
    const { completed } = (await client.queues.get(QUEUE)).counts;
    if (completed !== warm_up_jobs + jobs || counter.count !== completed) {
      throw new Error(`${jobs} jobs and ${warm_up_jobs} before, but ${counter.count} runs, ${completed} completed`);
    }
    link.done({ jobs, seconds: (endedNs - beganNs) / 1e9, ended_ns: endedNs, samples: samples.stop() });
  });
}
