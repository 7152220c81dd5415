// Groups, limits, and why a job is not running, against the real server.
import { type Client, type Group, type JobContext, Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { eventually, Gate } from "../support/eventually.js";

let server: RockQueueServer;
let client: Client;
let queue: string;
let count = 0;

beforeAll(async () => {
  server = await RockQueueServer.start();
});

afterAll(async () => {
  await server.close();
});

beforeEach(() => {
  client = server.client({ logger: false });
  count += 1;
  queue = `q-${count}`;
});

afterEach(async () => {
  expect(await server.problems()).toEqual([]);
  await client.close();
});

it("one job of each group runs at a time, in order, and the others are told why not", async () => {
  await client.queues.update(queue, { groupMaxActive: 1 });
  const jobs = ["a", "a", "b"].map((group, n) => ({ queue, name: "work", payload: n, group }));
  const [, second, third] = await client.pushMany(jobs);
  const began: unknown[] = [];
  const gate = new Gate();
  const handler = async (payload: unknown, { group }: JobContext): Promise<void> => {
    began.push([group, payload]);
    await gate.passed;
  };
  await using worker = await new Worker(client, { handlers: { work: handler }, queues: [queue] }).start();
  await eventually("a job of each group runs", () => began.length === 2);
  const { state, reasons } = await client.explain(second?.id ?? "");
  expect(state).toBe("WAITING");
  expect(reasons).toContainEqual(expect.objectContaining({ kind: "GROUP_MAX_ACTIVE", count: 1 }));
  expect((await client.explain(third?.id ?? "")).reasons[0]).toMatchObject({ kind: "RUNNING", worker: worker.name });
  gate.open();
  await client.wait(second?.id ?? "", { timeoutMs: 30_000 });
  expect(began).toContainEqual(["a", 1]);
  expect(began[2]).toEqual(["a", 1]);
});

it("groups have settings of their own, are listed, and find their jobs", async () => {
  const rate = { count: 10, period: 60_000, burst: 20 };
  const settings = { weight: 3, maxActive: 2, rate };
  expect(await client.queues.updateGroup(queue, "a", settings)).toEqual({ key: "a", settings, waiting: 0, active: 0 });
  const { id } = await client.push(queue, "work", null, { group: "b ü" });
  const listed = async (prefix?: string): Promise<Group[]> => {
    const groups: Group[] = [];
    for await (const one of client.queues.groups(queue, { prefix })) {
      groups.push(one);
    }
    return groups;
  };
  expect((await listed()).map(({ key, waiting }) => [key, waiting])).toEqual([
    ["a", 0],
    ["b ü", 1],
  ]);
  expect((await listed("b")).length).toBe(1);
  const { settings: left } = await client.queues.updateGroup(queue, "a", { reset: ["weight", "rate"] });
  expect(left).toEqual({ weight: undefined, maxActive: 2, rate: undefined });
  for await (const job of client.list({ queue, group: "b ü" })) {
    expect([job.id, job.group]).toEqual([id, "b ü"]);
  }
});

it("rates of a queue are set, shown, and reset", async () => {
  const rate = { count: 5, period: 1_000, burst: 6 };
  const { settings } = await client.queues.update(queue, { rate, groupRate: { count: 2 }, groupMaxActive: 4 });
  expect(settings).toMatchObject({ rate, groupRate: { count: 2 }, groupMaxActive: 4 });
  const { settings: left } = await client.queues.update(queue, { reset: ["rate", "groupRate", "groupMaxActive"] });
  expect([left.rate, left.groupRate, left.groupMaxActive]).toEqual([undefined, undefined, undefined]);
});

it("a queue says why it delivers nothing, and a job until when it is put off", async () => {
  const { id } = await client.push(queue, "work", null, { delay: 3_600_000 });
  const { state, reasons } = await client.explain(id);
  expect([state, reasons[0]?.kind]).toEqual(["DELAYED", "DELAYED"]);
  expect(reasons[0]?.untilTime?.getTime()).toBeGreaterThan((await server.now()).getTime() + 3_500_000);
  await client.queues.pause(queue);
  const kinds = (await client.queues.explain(queue)).map(({ kind }) => kind);
  expect(kinds).toContain("QUEUE_PAUSED");
});
