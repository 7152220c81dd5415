// Flows against the real server.
import { type Client, chain, defineJob, Flow, FlowCycle, FlowNotFound, group, join, Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

const render = defineJob<{ day: string }, string>({ name: "render", queue: "mail" });
const send = defineJob<{ to: string }, string>({ name: "send", queue: "mail" });
const report = defineJob<null, unknown>({ name: "report", queue: "mail" });

const HANDLERS = [
  render.handle(({ day }) => `news of ${day}`),
  send.handle(async ({ to }, ctx) => {
    if (to === "nobody") {
      throw new Error("no such address");
    }
    return `${(await ctx.parents()).get("render")?.result} to ${to}`;
  }),
  report.handle(async (_, ctx) => {
    const parents = [...(await ctx.parents()).values()];
    return parents.map(({ node, state, result }) => [node, state, result]);
  }),
];

let server: RockQueueServer;
let client: Client;

beforeAll(async () => {
  server = await RockQueueServer.start();
});

afterAll(async () => {
  await server.close();
});

beforeEach(() => {
  client = server.client({ logger: false });
});

afterEach(async () => {
  await client.queues.purge("mail");
  expect(await server.problems()).toEqual([]);
  await client.close();
});

const patience = { timeoutMs: 40_000 };
const work = (): Promise<Worker> => new Worker(client, { jobs: HANDLERS, sessionThread: false }).start();

it("jobs run after those that they wait for, and read their results", async () => {
  const mails = ["ada", "bob"].map((to) => ({ job: send.new({ to }), name: to }));
  const flow = new Flow("digest");
  flow.add(chain(render.new({ day: "today" }), join(mails, report.new(null))));
  const { id, jobIds } = await client.flows.push(flow);
  await using worker = await work();
  const done = await client.flows.wait(id, patience);
  expect(done).toMatchObject({ id, name: "digest", state: "COMPLETED", size: 4, completed: 4, dead: 0 });
  expect(done.finishTime).toBeInstanceOf(Date);
  const result = [
    ["ada", "COMPLETED", "news of today to ada"],
    ["bob", "COMPLETED", "news of today to bob"],
  ];
  expect(await client.result(jobIds.get("report") ?? "", patience)).toEqual(result);
  const { origin } = await client.get(jobIds.get("ada") ?? "");
  expect(origin).toEqual({ schedule: "", slotTime: undefined, flowId: id, flowNode: "ada" });
  expect(worker.state).toBe("RUNNING");
});

it("a flow shows its graph, over as many pages as it takes", async () => {
  const flow = new Flow("wide");
  const mails = flow.add(group(Array.from({ length: 1_100 }, (_, n) => send.new({ to: `user-${n}` }))));
  flow.add(report.new(null), { after: mails.slice(100) });
  const { id, jobIds } = await client.flows.push(flow);
  expect(jobIds.size).toBe(1_101);
  const { state, size, jobs } = await client.flows.get(id);
  expect([state, size, jobs.length]).toEqual(["RUNNING", 1_101, 1_101]);
  const last = jobs.at(-1);
  expect([last?.node, last?.state, last?.parents.length]).toEqual(["report", "BLOCKED", 1_000]);
  expect(last?.parents[0]).toEqual({ node: "send-101", jobId: "", onFailure: "cascade" });
  const parents = await client.flows.parents(jobIds.get("report") ?? "");
  expect([parents.length, parents[0]?.state, parents[0]?.result]).toEqual([1_000, "WAITING", null]);
  expect((await client.get(jobIds.get("report") ?? "")).pendingParents).toBe(1_000);
  expect((await client.flows.cancel(id)).affected).toBe(1_101);
});

it("what a failed parent does, and how a flow is mended", async () => {
  const flow = new Flow();
  const bad = flow.add(send.options({ maxAttempts: 1 }).new({ to: "nobody" }), { name: "bad" });
  flow.add(report.new(null), { name: "stopped", after: bad });
  flow.add(report.new(null), { name: "goes-on", after: { node: bad, onFailure: "ignore" } });
  const { id, jobIds } = await client.flows.push(flow);
  await using worker = await work();
  expect(await client.flows.wait(id, patience)).toMatchObject({ state: "FAILED", completed: 1, dead: 2 });
  const { jobs } = await client.flows.get(id);
  expect(jobs.map(({ node, state, deadReason }) => [node, state, deadReason])).toEqual([
    ["bad", "DEAD", "ATTEMPTS_EXHAUSTED"],
    ["stopped", "DEAD", "PARENT_FAILED"],
    ["goes-on", "COMPLETED", undefined],
  ]);
  expect(jobs[2]?.parents).toEqual([{ node: "bad", jobId: "", onFailure: "ignore" }]);
  await worker.stop();
  const { affected, flow: again } = await client.flows.retry(id);
  expect([affected, again.state]).toEqual([2, "RUNNING"]);
  expect((await client.get(jobIds.get("bad") ?? "")).state).toBe("WAITING");
  expect(await client.flows.cancel(id)).toMatchObject({ affected: 2, flow: { state: "CANCELLED", cancelled: 2 } });
});

it("a job of a flow waits for one that was pushed before", async () => {
  const early = await render.push(client, { day: "yesterday" });
  const flow = new Flow();
  flow.add(group(report.new(null)), { after: { jobId: early.id } });
  const { id, jobIds } = await client.flows.push(flow);
  await using worker = await work();
  await client.flows.wait(id, patience);
  expect(await client.result(jobIds.get("report") ?? "", patience)).toEqual([["", "COMPLETED", "news of yesterday"]]);
  expect(worker.state).toBe("RUNNING");
});

it("flows are found by state and name, jobs and events by their flow", async () => {
  const flow = new Flow("found");
  flow.add(chain(render.new({ day: "today" }), send.new({ to: "ada" })));
  const first = await client.flows.push(flow);
  const second = await client.flows.push(flow);
  const ids: string[] = [];
  for await (const { id } of client.flows.list({ state: "RUNNING", name: "found" })) {
    ids.push(id);
  }
  expect(ids).toEqual([second.id, first.id]);
  await using events = await client.events({ flowIds: [second.id], types: ["JOB_CANCELLED", "FLOW_FINISHED"] }).start();
  await client.flows.cancel(second.id);
  await client.flows.cancel(first.id);
  const seen = [await events.next(), await events.next(), await events.next()].map(({ value }) => value);
  expect(seen.map((event) => [event?.type, event?.flowId, event?.flowState])).toEqual([
    ["JOB_CANCELLED", second.id, undefined],
    ["JOB_CANCELLED", second.id, undefined],
    ["FLOW_FINISHED", second.id, "CANCELLED"],
  ]);
  const jobs: string[] = [];
  for await (const job of client.list({ flowId: first.id })) {
    jobs.push(job.id);
  }
  expect(jobs.sort()).toEqual([...first.jobIds.values()].sort());
});

it("a circle is refused, and named; a flow that is not there is not found", async () => {
  const flow = new Flow();
  flow.add(render.new({ day: "today" }), { name: "a", after: "b" });
  flow.add(render.new({ day: "today" }), { name: "b", after: "a" });
  const error = await client.flows.push(flow).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FlowCycle);
  expect((error as FlowCycle).cycle).toMatch(/^(a -> b -> a|b -> a -> b)$/);
  await expect(client.flows.wait("01890000-0000-7000-8000-000000000000")).rejects.toThrow(FlowNotFound);
});
