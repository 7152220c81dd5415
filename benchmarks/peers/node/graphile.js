// Graphile Worker: addJobs in one call for a batch; a local queue, and completions in batches, as its handbook advises for
// throughput. The clock stops when all completions were written.
import { Logger, makeWorkerUtils, run, runMigrations } from "graphile-worker";
import { EventEmitter } from "node:events";
import { Pool } from "pg";
import { main } from "./load.js";

const TASK = "noop";
const LOCAL_QUEUE = 500;
const CONCURRENCY = 96;
const quiet = new Logger(() => () => {});

await main({
  async prepare(params) {
    await runMigrations({ connectionString: params.address, logger: quiet });
  },

  async producer(params) {
    const utils = await makeWorkerUtils({ connectionString: params.address, maxPoolSize: 1, logger: quiet });
    const identifier = taskOf(params);
    return async (jobs) => {
      const [first] = jobs;
      if (jobs.length === 1) await utils.addJob(identifier, first);
      else await utils.addJobs(jobs.map((payload) => ({ identifier, payload })));
    };
  },

  async consumer(params, tally) {
    const busy = params.batch > 1;
    const pool = new Pool({ connectionString: params.address, max: params.clients + 4 });
    await pool.query("select 1");
    const events = new EventEmitter();
    return async () => {
      const runner = await run({
        preset: {
          worker: {
            concurrentJobs: busy ? CONCURRENCY : params.clients,
            pollInterval: 100,
            noHandleSignals: true,
            ...(busy ? { localQueue: { size: LOCAL_QUEUE }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
          },
        },
        pgPool: pool,
        logger: quiet,
        events,
        taskList: { [taskOf(params)]: async (job) => tally.started(job) },
      });
      events.on("job:success", () => tally.acked(1));
      runner.promise.catch((error) => console.error(error));
      return () => runner.stop();
    };
  },
});

function taskOf(params) {
  return `${TASK}-${params.queue}`;
}
