// Webhooks, workers, bulk changes and backups against the real server.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BackupExists,
  BackupsOff,
  type Client,
  type Logger,
  WebhookDeliveryNotFound,
  WebhookNotFound,
  Worker,
  type WorkerInfo,
} from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { verifyWebhook, type WebhookEvent } from "rockqueue/webhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually, Gate } from "../support/eventually.js";

let folder: string;
let server: RockQueueServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rockqueue-backups-"));
  server = await RockQueueServer.start({ arguments: ["--backup-dir", folder, "--webhook-allow", "127.0.0.0/8"] });
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  client = server.client({ logger: false });
});

afterEach(async () => {
  expect(await server.problems()).toEqual([]);
  await client.close();
});

async function all<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of listing) {
    found.push(one);
  }
  return found;
}

describe("a webhook", () => {
  let receiver: Server;
  let url: string;
  let secret: string;
  let status: number;
  let received: WebhookEvent[];

  beforeEach(async () => {
    status = 204;
    received = [];
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        received.push(verifyWebhook(Buffer.concat(chunks), request.headers, secret));
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => {
      receiver.listen(0, "127.0.0.1", resolve);
    });
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  });

  afterEach(async () => {
    await client.webhooks.delete("w");
    receiver.closeAllConnections();
    receiver.close();
  });

  it("sends what its filter takes, signed, and keeps a log", async () => {
    const put = await client.webhooks.put("w", { url, queues: ["hooked"], types: ["JOB_PUSHED"] });
    secret = put.secret ?? "";
    expect(put).toMatchObject({ name: "w", url, created: true, disabled: false, pending: 0 });
    expect(put.filter).toMatchObject({ queues: ["hooked"], types: ["JOB_PUSHED"], names: [] });
    const { id } = await client.push("hooked", "work");
    await client.push("other", "work");
    await eventually("the event has come", () => received.length > 0);
    expect(received[0]).toMatchObject({ type: "job.pushed", data: { job_id: id, queue: "hooked", name: "work" } });
    const delivered = async () => all(client.webhooks.deliveries("w", { state: "SUCCEEDED" }));
    await eventually("the log says so", async () => (await delivered()).length === 1);
    const [delivery] = await delivered();
    expect(delivery).toMatchObject({ id: received[0]?.id, event: { type: "JOB_PUSHED", jobId: id } });
    expect(delivery?.attempts).toMatchObject([{ status: 204, error: "" }]);
    await client.webhooks.resend("w", delivery?.id ?? "");
    await eventually("it has come again", () => received.length === 2);
    expect(received[1]?.id).toBe(received[0]?.id);
    await expect(client.webhooks.resend("w", "msg_none")).rejects.toThrow(WebhookDeliveryNotFound);
  });

  it("is tried, changes its secret, and is switched off", async () => {
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const put = await client.webhooks.put("w", { url, secret, disabled: true });
    expect([put.secret, put.disabled]).toEqual([undefined, true]);
    const { status: answered, error, took } = await client.webhooks.test("w");
    expect([answered, error, received[0]?.type]).toEqual([204, "", "webhook.test"]);
    expect(took).toBeGreaterThanOrEqual(0);
    status = 500;
    expect((await client.webhooks.test("w")).error).not.toBe("");
    const rotated = await client.webhooks.rotateSecret("w", { overlap: 3_600_000 });
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.formerSecretUntilTime).toBeInstanceOf(Date);
    await client.webhooks.test("w");
    secret = rotated.secret;
    await client.webhooks.test("w");
    expect(received.length).toBe(4);
    expect((await all(client.webhooks.list())).map(({ name }) => name)).toEqual(["w"]);
  });
});

it("a webhook that is not there is not found", async () => {
  await expect(client.webhooks.get("none")).rejects.toThrow(WebhookNotFound);
});

describe("a worker", () => {
  const lines: string[] = [];
  const logger: Logger = { debug() {}, info() {}, warn: (line) => lines.push(line), error: (line) => lines.push(line) };

  it.each([true, false])("is listed, and its stuck handler is named (thread: %s)", async (sessionThread) => {
    lines.length = 0;
    const queue = `stuck-${sessionThread}`;
    const logged = server.client({ logger });
    const gate = new Gate();
    const options = { queues: [queue], stuckAfter: 300, lease: 1_000, concurrency: 2, sessionThread };
    const worker = new Worker(logged, { handlers: { work: () => gate.passed }, ...options });
    await worker.start();
    const { id } = await client.push(queue, "work");
    const listed = async (): Promise<WorkerInfo | undefined> => (await all(client.workers({ queue })))[0];
    await eventually("it is stuck", async () => (await listed())?.stuckJobIds.includes(id) ?? false);
    expect(await listed()).toMatchObject({
      name: worker.name,
      state: "RUNNING",
      queues: [queue],
      client: expect.stringMatching(/^rockqueue-node\//),
      host: expect.stringMatching(/./),
      pid: process.pid,
      active: 1,
      loopLag: expect.any(Number),
    });
    gate.open();
    await eventually("it is no longer stuck", async () => (await listed())?.stuckJobIds.length === 0);
    expect(lines.filter((line) => line.includes("runs for more than 0.3 s"))).toEqual([expect.stringContaining(id)]);
    await worker.stop();
    expect(await listed()).toBeUndefined();
  });
});

it("changes of all jobs that match go to the end, and a dry run changes nothing", async () => {
  const jobs = Array.from({ length: 900 }, () => ({ queue: "bulk", name: "work", tags: ["x"] }));
  await client.pushMany(jobs);
  await client.push("bulk", "work");
  const told: number[] = [];
  const wanted = { queue: "bulk", tags: ["x"], onProgress: (changed: number) => told.push(changed) };
  expect(await client.cancelAll({ ...wanted, dryRun: true })).toBe(900);
  expect((await client.queues.get("bulk")).counts.waiting).toBe(901);
  expect(await client.cancelAll(wanted)).toBe(900);
  expect((await client.queues.get("bulk")).counts).toMatchObject({ waiting: 1, cancelled: 900 });
  expect(told.at(-1)).toBe(900);
});

it("a backup is written, and listed; a second one of its name is refused", async () => {
  const backup = await client.backups.create("before-upgrade");
  expect(backup).toMatchObject({ name: "before-upgrade", path: expect.stringContaining(folder) });
  expect(backup.sizeBytes).toBeGreaterThan(0);
  expect(await client.backups.list()).toEqual([backup]);
  await expect(client.backups.create("before-upgrade")).rejects.toThrow(BackupExists);
});

it("a server without a place for backups says so", async () => {
  await using other = await RockQueueServer.start();
  await expect(other.client({ logger: false }).backups.create()).rejects.toThrow(BackupsOff);
});
