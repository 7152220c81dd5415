// BullMQ: addBulk, or add where calls have one job; a worker for each client, all in one process.
import { Queue, Worker } from "bullmq";
import { main } from "./load.js";

const NAME = "noop";
// A worker fetches one job after the other until it has so many: a number beyond those of its handbook makes it slower.
const MOST_AT_ONCE = 32;

const connection = ({ address }) => {
  const [host, port] = address.split(":");
  return { host, port: Number(port), maxRetriesPerRequest: null };
};

await main({
  async producer(params) {
    const queue = new Queue(params.queue, {
      connection: connection(params),
      defaultJobOptions: { removeOnComplete: true },
    });
    await queue.waitUntilReady();
    return async (jobs) => {
      const [first] = jobs;
      if (jobs.length === 1) await queue.add(NAME, first);
      else await queue.addBulk(jobs.map((data) => ({ name: NAME, data })));
    };
  },

  async consumer(params, tally) {
    const handler = async (job) => tally.started(job.data);
    const workers = Array.from({ length: params.clients }, () => {
      const worker = new Worker(params.queue, handler, {
        connection: connection(params),
        autorun: false,
        concurrency: Math.min(params.batch, MOST_AT_ONCE),
        removeOnComplete: { count: 0 },
      });
      worker.on("completed", () => tally.acked(1));
      worker.on("error", (error) => console.error(error));
      return worker;
    });
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    return async () => {
      for (const worker of workers) worker.run().catch((error) => console.error(error));
    };
  },
});
