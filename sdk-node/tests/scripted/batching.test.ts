import { status } from "@grpc/grpc-js";
import { Client, InvalidRequest, type PushedJob, QueueFull, UniqueConflict } from "rockqueue";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PushJobsRequest } from "../../src/gen/rockqueue/v1/job_service.js";
import { eventually, Gate } from "../support/eventually.js";
import { UNAVAILABLE } from "../support/refusal.js";
import { pushed, ScriptedServer } from "../support/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = new Client(server.url, { retry: { initialDelay: 5, maxDelay: 20 }, logger: false });
});

afterEach(async () => {
  await client.close();
  server.close();
});

const batches = (): PushJobsRequest[] => server.of<PushJobsRequest>("PushJobs");
const numbers = (batch: PushJobsRequest): number[] => batch.jobs.map((job) => Number(Buffer.from(job.payload)));
const pushAll = (count: number, queue = "q"): Promise<PushedJob>[] =>
  Array.from({ length: count }, (_, number) => client.push(queue, "n", number));

it("sends what is pushed at the same time together, in order", async () => {
  await Promise.all(pushAll(100));
  expect(batches().length).toBe(1);
  expect(numbers(batches()[0] as PushJobsRequest)).toEqual(Array.from({ length: 100 }, (_, number) => number));
});

it("keeps a caller's pushes in order, although a batch has to be repeated", async () => {
  server.answer("PushJobs", UNAVAILABLE, UNAVAILABLE, pushed);
  const first = client.push("q", "n", 0);
  await eventually("the first batch is under way", () => batches().length > 0);
  const rest = [1, 2, 3].map((number) => client.push("q", "n", number));
  await Promise.all([first, ...rest]);
  expect(batches().map(numbers)).toEqual([[0], [0], [0], [1, 2, 3]]);
});

it("sends what gathers while a batch is being written as the next one", async () => {
  const gate = new Gate();
  server.answer(
    "PushJobs",
    async (request: PushJobsRequest) => {
      await gate.passed;
      return pushed(request);
    },
    pushed,
  );
  const first = client.push("q", "n", 0);
  await eventually("the first batch is under way", () => batches().length === 1);
  const rest = pushAll(500);
  gate.open();
  await Promise.all([first, ...rest]);
  expect(batches().map((batch) => batch.jobs.length)).toEqual([1, 500]);
});

it("cuts batches at the server's limits", async () => {
  server.answer("GetServerInfo", { version: "0", limits: { batchEntries: 10, batchBytes: 4_194_304 } });
  await client.push("q", "n");
  await Promise.all(pushAll(25));
  expect(batches().map((batch) => batch.jobs.length)).toEqual([1, 10, 10, 5]);
  const many = await client.pushMany(Array.from({ length: 25 }, () => ({ queue: "q", name: "n" })));
  expect(many.length).toBe(25);
  expect(
    batches()
      .slice(4)
      .map((batch) => batch.jobs.length),
  ).toEqual([10, 10, 5]);
});

it("cuts batches by bytes", async () => {
  const large = "x".repeat(400_000);
  await Promise.all([large, large, large, large].map((payload) => client.push("q", "n", payload)));
  expect(batches().map((batch) => batch.jobs.length)).toEqual([2, 2]);
});

it("tells how many jobs were stored when a later batch of pushMany fails", async () => {
  const refused = { code: status.INVALID_ARGUMENT, reason: "INVALID_FIELD", metadata: { field: "jobs[0].queue" } };
  server.answer("GetServerInfo", { version: "0", limits: { batchEntries: 2 } });
  server.answer("PushJobs", pushed, refused);
  const pushing = client.pushMany(Array.from({ length: 5 }, () => ({ queue: "q", name: "n" })));
  await expect(pushing).rejects.toMatchObject({ name: "InvalidRequest", metadata: { pushed: "2" } });
});

it("fails the push that the server refuses, and no other of its batch", async () => {
  server.answer("PushJobs", ({ jobs, ...rest }: PushJobsRequest) => {
    const index = jobs.findIndex((job) => job.queue === "a/b");
    if (index < 0) {
      return pushed({ jobs, ...rest });
    }
    const field = `jobs[${index}].queue`;
    const violations = [{ field, description: "has a letter that is not allowed" }];
    return { code: status.INVALID_ARGUMENT, reason: "INVALID_FIELD", metadata: { field }, violations };
  });
  const pushes = ["q", "a/b", "q"].map((queue) => client.push(queue, "n"));
  const [first, second, third] = await Promise.allSettled(pushes);
  expect([first?.status, third?.status]).toEqual(["fulfilled", "fulfilled"]);
  const { reason } = second as PromiseRejectedResult;
  expect(reason).toBeInstanceOf(InvalidRequest);
  expect(reason).toMatchObject({ metadata: { field: "queue" }, violations: [{ field: "queue" }] });
});

it("fails the push whose key is held, and no other of its batch", async () => {
  server.answer("PushJobs", (request: PushJobsRequest) => {
    const index = request.jobs.findIndex((job) => job.unique !== undefined);
    const metadata = { job_id: "holder", index: String(index) };
    return index < 0 ? pushed(request) : { code: status.ALREADY_EXISTS, reason: "UNIQUE_CONFLICT", metadata };
  });
  const pushes = [client.push("q", "n"), client.push("q", "n", null, { unique: "k" })];
  const [first, second] = await Promise.allSettled(pushes);
  expect(first?.status).toBe("fulfilled");
  expect((second as PromiseRejectedResult).reason).toBeInstanceOf(UniqueConflict);
});

it("finds by halving which push is refused when the server does not say", async () => {
  server.answer("PushJobs", (request: PushJobsRequest) =>
    request.jobs.some((job) => job.name === "bad") ? { code: status.INVALID_ARGUMENT } : pushed(request),
  );
  const pushes = ["a", "b", "bad", "c", "d"].map((name) => client.push("q", name));
  const outcomes = await Promise.allSettled(pushes);
  expect(outcomes.map((outcome) => outcome.status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
});

it("lets pushes to a full queue wait without holding up the others, and in order", async () => {
  let room = 0;
  const stored: number[] = [];
  server.answer("PushJobs", (request: PushJobsRequest) => {
    const wanted = request.jobs.filter((job) => job.queue === "small");
    if (wanted.length > room) {
      const metadata = { queue: "small", limit: "1" };
      return { code: status.RESOURCE_EXHAUSTED, reason: "QUEUE_FULL", metadata, retryAfterMs: 5 };
    }
    room -= wanted.length;
    stored.push(...wanted.map((job) => Number(Buffer.from(job.payload))));
    return pushed(request);
  });
  const small = pushAll(5, "small");
  await Promise.all(pushAll(5, "large"));
  expect(stored).toEqual([]);
  for (let number = 0; number < 5; number += 1) {
    room += 1;
    await small[number];
  }
  expect(stored).toEqual([0, 1, 2, 3, 4]);
});

it("says QueueFull when the queue stays full", async () => {
  await client.close();
  client = new Client(server.url, { timeoutMs: 1_500, logger: false });
  const full = { code: status.RESOURCE_EXHAUSTED, reason: "QUEUE_FULL", metadata: { queue: "q" }, retryAfterMs: 10 };
  server.answer("PushJobs", full);
  await expect(client.push("q", "n")).rejects.toBeInstanceOf(QueueFull);
});

it("holds callers back when the server is slow", async () => {
  const gate = new Gate();
  server.answer("PushJobs", async (request: PushJobsRequest) => {
    await gate.passed;
    return pushed(request);
  });
  const payload = "x".repeat(1_000_000);
  let answered = 0;
  const pushes = Array.from({ length: 40 }, () =>
    client.push("q", "n", payload).then(() => {
      answered += 1;
    }),
  );
  await eventually("a batch is under way", () => batches().length === 1);
  expect(answered).toBe(0);
  gate.open();
  await Promise.all(pushes);
  expect(batches().reduce((sum, batch) => sum + batch.jobs.length, 0)).toBe(40);
});

it("drops a push that was given up before it was sent", async () => {
  const gate = new Gate();
  server.answer("PushJobs", async (request: PushJobsRequest) => {
    await gate.passed;
    return pushed(request);
  });
  const first = client.push("q", "n", 0);
  await eventually("the first batch is under way", () => batches().length === 1);
  const abort = new AbortController();
  const givenUp = client.push("q", "n", 1, { signal: abort.signal });
  const last = client.push("q", "n", 2);
  abort.abort(new Error("given up"));
  await expect(givenUp).rejects.toThrow("given up");
  gate.open();
  await Promise.all([first, last]);
  expect(batches().map(numbers)).toEqual([[0], [2]]);
});

it("closes once the pushes under way are answered", async () => {
  const pushes = pushAll(10);
  await client.close();
  expect((await Promise.allSettled(pushes)).every((outcome) => outcome.status === "fulfilled")).toBe(true);
});
