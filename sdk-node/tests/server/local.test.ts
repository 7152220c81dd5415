import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, EmbeddedError } from "rockqueue";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rockqueue-local-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The servers of a folder, and, unless `guards` is false, the shells that guard them. */
function serving(directory: string, guards = true): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  const lines = stdout.split("\n").filter((line) => line.includes(directory) && line.includes(" serve "));
  const wanted = lines.filter((line) => guards || !line.includes("rockqueue-guard"));
  return wanted.map((line) => Number.parseInt(line, 10));
}

it("making a client does no I/O", async () => {
  const client = Client.local(join(folder, "jobs.db"));
  expect(readdirSync(folder)).toEqual([]);
  await client.close();
});

it("clients of one folder share a server, which ends with the last of them", async () => {
  const directory = join(folder, "jobs.db");
  const first = Client.local(directory);
  const second = new Client(`embedded:${directory}`);
  await Promise.all([first.connect(), second.connect()]);
  const { id } = await first.push("q", "n", 1);
  expect((await second.get(id)).payload).toBe(1);
  await first.close();
  expect((await second.get(id)).state).toBe("WAITING");
  await second.close();
  expect(serving(directory)).toEqual([]);
  await using again = Client.local(directory);
  expect((await again.get(id)).payload).toBe(1);
});

it("a server that dies is started again, and calls go on", async () => {
  const directory = join(folder, "jobs.db");
  await using client = Client.local(directory, { logger: false });
  const { id } = await client.push("q", "n", 1);
  const [server] = serving(directory, false);
  process.kill(server as number, "SIGKILL");
  await eventually("another process serves", () => serving(directory, false).some((pid) => pid !== server));
  expect((await client.get(id)).payload).toBe(1);
});

it("jobs of handlers that went with the former program are ready at once", async () => {
  const directory = join(folder, "jobs.db");
  const former = Client.local(directory);
  const { id } = await former.push("q", "n", 1);
  const pulled = await former.raw.pullJobs({ queues: ["q"], worker: "w", maxJobs: 1 });
  expect(pulled.deliveries).toHaveLength(1);
  await former.close();
  await using client = Client.local(directory);
  expect(await client.get(id)).toMatchObject({ state: "WAITING", crashes: 1 });
});

it("a program that is not there is an error that says what to install", async () => {
  const client = Client.local(join(folder, "jobs.db"), { local: { command: "no-such-rockqueue" } });
  await expect(client.connect()).rejects.toMatchObject({ name: "EmbeddedError" });
  await expect(client.push("q", "n")).rejects.toThrow(
    /in a checkout `make setup` .* `pip install rockqueue-server` .* PATH/,
  );
  await client.close();
});

it("a folder that another server holds is an error that says so", { timeout: 120_000 }, async () => {
  const directory = join(folder, "jobs.db");
  await using holder = await Client.local(directory).connect();
  expect(await holder.serverInfo()).toBeDefined();
  const { LocalServer } = await import("../../dist/esm/local/server.js");
  const { SILENT } = await import("../../dist/esm/logging.js");
  const second = new LocalServer(directory, [], { startTimeout: 3_000 }, SILENT);
  await expect(second.address()).rejects.toBeInstanceOf(EmbeddedError);
});
