// What is sent for a flow, and how its end is waited for.
import { Client, Flow, FlowCycle, type Middleware } from "rockqueue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventType } from "../../src/gen/rockqueue/v1/event_service.js";
import { FlowState, type PushFlowRequest } from "../../src/gen/rockqueue/v1/flow_service.js";
import { ScriptedServer } from "../support/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = new Client(server.url, { logger: false });
});

afterEach(async () => {
  await client.close();
  server.close();
});

function pair(): Flow {
  const flow = new Flow("pair", { onParentFailure: "cancel" });
  const a = flow.add({ queue: "q", name: "a", payload: 1 });
  flow.add({ queue: "q", name: "b" }, { after: [a, { jobId: "j-0", onFailure: "ignore" }] });
  return flow;
}

describe("a push of a flow", () => {
  it("carries the whole graph, and tells the ids by node", async () => {
    server.answer("PushFlow", { flowId: "f-1", jobIds: ["j-1", "j-2"] });
    const { id, jobIds } = await client.flows.push(pair(), { durability: "wal" });
    expect([id, ...jobIds]).toEqual(["f-1", ["a", "j-1"], ["b", "j-2"]]);
    const [request] = server.of<PushFlowRequest>("PushFlow");
    expect(request).toMatchObject({ name: "pair", onParentFailure: 2, durability: 1 });
    expect(request?.requestId).not.toBe("");
    expect(request?.nodes[0]).toMatchObject({ name: "a", job: { queue: "q", name: "a" }, parents: [] });
    expect(request?.nodes[1]?.parents).toEqual([
      { parent: { $case: "node", value: "a" }, onFailure: 0 },
      { parent: { $case: "jobId", value: "j-0" }, onFailure: 3 },
    ]);
  });

  it("goes through the middleware as one push", async () => {
    server.answer("PushFlow", { flowId: "f-1", jobIds: ["j-1", "j-2"] });
    const middleware: Middleware = {
      push: (jobs, next) => next(jobs.map((job) => ({ ...job, headers: { trace: "t" } }))),
    };
    await using traced = new Client(server.url, { logger: false, middleware: [middleware] });
    expect((await traced.flows.push(pair())).jobIds.get("b")).toBe("j-2");
    const [request] = server.of<PushFlowRequest>("PushFlow");
    expect(request?.nodes.map(({ job }) => job?.headers)).toEqual([{ trace: "t" }, { trace: "t" }]);
  });

  it("is refused when middleware drops a job, or a job is unique", async () => {
    const dropping: Middleware = { push: (jobs, next) => next(jobs.slice(1)) };
    await using dropped = new Client(server.url, { logger: false, middleware: [dropping] });
    await expect(dropped.flows.push(pair())).rejects.toThrow(TypeError);
    const flow = new Flow();
    flow.add({ queue: "q", name: "a", unique: "k" });
    await expect(client.flows.push(flow)).rejects.toThrow('"a" cannot be unique');
    expect(server.of("PushFlow")).toEqual([]);
  });

  it("names the circle of a flow that has one", async () => {
    server.answer("PushFlow", { code: 3, reason: "FLOW_CYCLE", metadata: { cycle: "a -> b -> a" } });
    const error = await client.flows.push(pair()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FlowCycle);
    expect(error).toMatchObject({ cycle: "a -> b -> a", outcomeUnknown: false });
  });
});

describe("the end of a flow", () => {
  const running = { flow: { id: "f-1", state: FlowState.FLOW_STATE_RUNNING, jobs: 2 } };
  const failed = { flow: { id: "f-1", state: FlowState.FLOW_STATE_FAILED, jobs: 2, completed: 1, dead: 1 } };
  const finished = { cursor: "c", type: EventType.EVENT_TYPE_FLOW_FINISHED, flowId: "f-1" };

  it("is seen at once when it is over", async () => {
    server.watches.push([{ events: [], cursor: "0" }]);
    server.answer("GetFlow", failed);
    expect(await client.flows.wait("f-1")).toMatchObject({ state: "FAILED", size: 2, completed: 1, dead: 1 });
  });

  it("is waited for by its event, and asked for when that comes", async () => {
    let end: () => void = () => undefined;
    const later = new Promise<object>((resolve) => {
      end = () => resolve({ events: [finished], cursor: "c" });
    });
    server.watches.push([{ events: [], cursor: "0" }, later]);
    let asked = 0;
    server.answer("GetFlow", () => {
      asked += 1;
      queueMicrotask(end);
      return asked === 1 ? running : failed;
    });
    expect((await client.flows.wait("f-1", { timeoutMs: 30_000 })).state).toBe("FAILED");
    expect(asked).toBe(2);
    expect(server.of("WatchEvents")).toMatchObject([{ filter: { flowIds: ["f-1"], types: [24] } }]);
  });

  it("is waited for no longer than was said", async () => {
    server.watches.push([{ events: [], cursor: "0" }]);
    server.answer("GetFlow", running);
    await expect(client.flows.wait("f-1", { timeoutMs: 50 })).rejects.toMatchObject({
      name: "DeadlineExceeded",
      message: "flow f-1 is not finished after 50 ms",
    });
  });

  it("is no longer waited for when the signal says so", async () => {
    server.watches.push([{ events: [], cursor: "0" }]);
    const stop = new AbortController();
    server.answer("GetFlow", () => {
      queueMicrotask(() => stop.abort(new Error("enough")));
      return running;
    });
    await expect(client.flows.wait("f-1", { signal: stop.signal })).rejects.toThrow("enough");
  });

  it("is looked for anew when the stream of events fell behind", async () => {
    server.watches.push(
      [
        { events: [], cursor: "0" },
        { code: 11, reason: "CURSOR_EXPIRED" },
      ],
      [{ events: [], cursor: "9" }],
    );
    server.answer("GetFlow", running, failed);
    expect((await client.flows.wait("f-1")).state).toBe("FAILED");
  });
});
