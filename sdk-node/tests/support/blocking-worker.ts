// A worker in a process of its own whose handler blocks the event loop.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = `
import { Client, Worker } from ${JSON.stringify(new URL("../../dist/esm/index.js", import.meta.url).href)};
const [url, blockMs, stuckAfter] = process.argv.slice(-3);
const client = new Client(url, { logger: false });
const work = (payload, ctx) => {
  ctx.progress(1);
  const end = performance.now() + Number(blockMs);
  while (performance.now() < end);
  return "done";
};
await new Worker(client, { handlers: { work }, queues: ["q"], concurrency: 1, lease: 1000, stuckAfter: Number(stuckAfter) }).run();
await client.close();
`;

/** A child that can be ended. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

/** Starts a worker on queue "q" whose handler for "work" blocks for so many milliseconds. */
export function blockingWorker(url: string, blockMs: number, stuckAfterMs = 0): Child {
  return runModule(PROGRAM, [url, String(blockMs), String(stuckAfterMs)]);
}

/** Starts a program. */
export function runModule(program: string, parameters: readonly string[]): Child {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const options = ["--input-type=module", "--eval", program, "--", ...parameters];
  const process_ = spawn(process.execPath, options, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(process_, "exit");
  return {
    process: process_,
    async stop() {
      process_.kill("SIGTERM");
      await ended;
    },
    async [Symbol.asyncDispose]() {
      process_.kill("SIGKILL");
      await ended;
    },
  };
}
