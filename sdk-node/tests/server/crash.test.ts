// Processes die and come back: nothing is lost, and nothing is charged to a job.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Worker } from "rockqueue";
import { afterEach, beforeEach, expect, it } from "vitest";
import { blockingWorker, runModule } from "../support/blocking-worker.js";
import { eventually, Gate } from "../support/eventually.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rockqueue-crash-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Server extends AsyncDisposable {
  kill(): Promise<void>;
}

async function startServer(): Promise<Server> {
  const ready = join(folder, "ready.json");
  rmSync(ready, { force: true });
  const command = process.env.ROCKQUEUE_COMMAND as string;
  const listen = [
    "--listen",
    `unix:${folder}/s.sock`,
    "--metrics",
    "off",
    "--log-level",
    "warning",
    "--ready-file",
    ready,
  ];
  const child = spawn(command, ["serve", join(folder, "jobs.db"), ...listen], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  await eventually("the server is ready", () => {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server ended: exit code ${child.exitCode}, signal ${child.signalCode}`);
    }
    return existsSync(ready) && readFileSync(ready, "utf8").includes("pid");
  }).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return { kill, [Symbol.asyncDispose]: kill };
}

it("a worker keeps its jobs over kill -9 of the server", { timeout: 120_000 }, async () => {
  const began = new Gate();
  const release = new Gate();
  await using client = new Client(`unix://${folder}/s.sock`, { timeoutMs: 60_000, logger: false });
  const first = await startServer();
  const handler = async (payload: number): Promise<number> => {
    if (payload === 0) {
      began.open();
      await release.passed;
    }
    return payload;
  };
  await using worker = await new Worker(client, { handlers: { n: handler }, queues: ["q"], concurrency: 4 }).start();
  const jobs = await client.pushMany(Array.from({ length: 10 }, (_, payload) => ({ queue: "q", name: "n", payload })));
  await began.passed;
  await client.wait(jobs.at(-1)?.id ?? "", { timeoutMs: 60_000 });
  await first.kill();
  // Nobody answers: this push waits, and is made once.
  const pushing = client.push("q", "n", 10);
  await using _second = await startServer();
  jobs.push(await pushing);
  release.open();
  expect(await Promise.all(jobs.map(({ id }) => client.result(id, { timeoutMs: 60_000 })))).toEqual(
    Array.from({ length: 11 }, (_, number) => number),
  );
  const found: unknown[] = [];
  for await (const { id, state, attempt, crashes } of client.list({ queue: "q" })) {
    found.push([id, state, attempt, crashes]);
  }
  expect(found).toEqual(jobs.map(({ id }) => [id, "COMPLETED", 1, 0]));
  await worker.stop();
});

it("a busy worker and its pushes outlive two kills of the server", { timeout: 120_000 }, async () => {
  await using client = new Client(`unix://${folder}/s.sock`, { timeoutMs: 60_000, logger: false });
  let server = await startServer();
  const runs = new Map<number, number>();
  const handler = (payload: number): void => {
    runs.set(payload, (runs.get(payload) ?? 0) + 1);
  };
  await using worker = await new Worker(client, { handlers: { n: handler }, queues: ["q"], concurrency: 50 }).start();
  const ids = new Set<string>();
  let next = 0;
  const pushing = Array.from({ length: 8 }, async () => {
    while (next < 1_000) {
      const number = next;
      next += 1;
      ids.add((await client.push("q", "n", number)).id);
    }
  });
  for (const mark of [200, 600]) {
    await eventually(`${mark} jobs were pushed`, () => ids.size >= mark);
    await server.kill();
    server = await startServer();
  }
  await Promise.all(pushing);
  await eventually("all jobs are completed", async () => (await client.queues.get("q")).counts.completed === 1_000);
  expect(ids.size).toBe(1_000);
  expect(runs.size).toBe(1_000);
  await worker.stop();
  await server.kill();
});

it("a handler that blocks the event loop for twice the lease keeps its job", { timeout: 120_000 }, async () => {
  await using _server = await startServer();
  const url = `unix://${folder}/s.sock`;
  await using client = new Client(url, { logger: false });
  await using child = blockingWorker(url, 2_500);
  const { id } = await client.push("q", "work");
  const job = await client.wait(id, { timeoutMs: 60_000 });
  expect([job.state, job.attempt, job.crashes]).toEqual(["COMPLETED", 1, 0]);
  await child.stop();
});

const LOCAL = `
import { Client } from ${JSON.stringify(new URL("../../dist/esm/index.js", import.meta.url).href)};
const client = Client.local(process.argv.at(-1), { logger: false });
const { id } = await client.push("q", "n", process.pid);
console.log(id);
setInterval(() => undefined, 1000);
`;

it("the server of a local store is gone with its program, killed with -9, and its jobs are not", {
  timeout: 60_000,
}, async () => {
  const directory = join(folder, "local.db");
  const ids: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    // The second program finds the folder free within its own time to start.
    await using child = runModule(LOCAL, [directory]);
    const [line] = (await once(child.process.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    ids.push(line.toString().trim());
  }
  await using client = Client.local(directory, { logger: false });
  const found: string[] = [];
  for await (const job of client.list({ queue: "q" })) {
    found.push(job.id);
  }
  expect(found).toEqual(ids);
});
