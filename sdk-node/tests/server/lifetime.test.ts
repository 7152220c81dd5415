import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { RockQueueServer } from "rockqueue/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Child, runModule } from "../support/blocking-worker.js";
import { eventually } from "../support/eventually.js";

let server: RockQueueServer;

beforeAll(async () => {
  server = await RockQueueServer.start();
});

afterAll(() => server.close());

const INDEX = JSON.stringify(new URL("../../dist/esm/index.js", import.meta.url).href);
const BEGIN = `
import { Client } from ${INDEX};
const client = new Client(process.argv.at(-1), { logger: false });
const job = await client.push("q", "n");
`;

/** What a program says until it has ended by itself. */
async function saidBy(child: Child, meanwhile: (said: () => string) => Promise<void>): Promise<string> {
  let said = "";
  const output = child.process.stdout as Readable;
  output.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = once(child.process, "exit");
  await meanwhile(() => said);
  const [code] = await ended;
  expect(code).toBe(0);
  return said;
}

it("a program that has pushed ends, although its client is open", async () => {
  await using child = runModule(`${BEGIN}console.log("pushed");`, [server.url]);
  expect(await saidBy(child, async () => undefined)).toBe("pushed\n");
});

it("a program that waits for an event goes on", async () => {
  const program = `${BEGIN}
    const events = await client.events({ jobIds: [job.id] }).start();
    console.log(job.id);
    const { value } = await events.next();
    console.log(value.type);
    await events.close();
    await client.close();
  `;
  await using child = runModule(program, [server.url]);
  await using client = server.client();
  const said = await saidBy(child, async (sofar) => {
    await eventually("it watches, or has ended", () => sofar() !== "" || child.process.exitCode !== null);
    await client.cancel(sofar().trim());
  });
  expect(said).toContain("JOB_CANCELLED");
});

it("a worker that is stopped while its local server starts lets its program end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rockqueue-lifetime-"));
  const program = `
    import { Client, Worker } from ${INDEX};
    const client = new Client("embedded:" + process.argv.at(-1), { logger: false });
    const worker = new Worker(client, { handlers: { n: () => 1 }, queues: ["q"] });
    const stop = new AbortController();
    setTimeout(() => stop.abort());
    await worker.run({ signal: stop.signal });
    await client.close();
    console.log(worker.state);
  `;
  await using child = runModule(program, [join(folder, "jobs.db")]);
  expect(await saidBy(child, async () => undefined)).toBe("STOPPED\n");
  await rm(folder, { recursive: true });
});
