// What `rockqueue/testing` gives to the tests of users.
import { Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.js";

const DAY_MS = 86_400_000;

it("a delayed job runs when the clock is turned, and not before", async () => {
  await using server = await RockQueueServer.start();
  const client = server.client({ logger: false });
  const before = await server.freeze();
  const { id } = await client.push("q", "work", "tomorrow", { delay: DAY_MS });
  await using worker = await new Worker(client, { handlers: { work: (payload) => payload }, queues: ["q"] }).start();
  expect((await client.get(id)).state).toBe("DELAYED");
  const now = await server.advance(DAY_MS);
  expect(now.getTime() - before.getTime()).toBe(DAY_MS);
  expect(await server.now()).toEqual(now);
  expect(await client.result(id, { timeoutMs: 10_000 })).toBe("tomorrow");
  expect(await server.problems()).toEqual([]);
  expect(worker.state).toBe("RUNNING");
});

it("an attempt that runs longer than its timeout is told so", async () => {
  await using server = await RockQueueServer.start();
  const client = server.client({ logger: false });
  await server.freeze();
  const causes: string[] = [];
  const handler = (_: unknown, { signal }: { signal: AbortSignal }): Promise<void> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        causes.push(signal.reason.stopCause);
        reject(signal.reason);
      });
    });
  await using worker = new Worker(client, { handlers: { work: handler }, queues: ["q"], lease: 3_600_000 });
  await worker.start();
  const { id } = await client.push("q", "work", null, { timeout: 60_000, maxAttempts: 1 });
  await eventually("the handler runs", async () => (await client.get(id)).state === "ACTIVE");
  await server.advance(61_000);
  const job = await client.wait(id, { timeoutMs: 10_000 });
  expect(job).toMatchObject({ state: "DEAD", errors: [{ type: "TIMEOUT" }] });
  await eventually("the handler was told", () => causes.length === 1);
  expect(causes).toEqual(["TIMEOUT"]);
});
