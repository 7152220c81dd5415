import { chain, Flow, type FlowNode, group, join, type NewJob } from "rockqueue";
import { describe, expect, it } from "vitest";

const job = (name: string): NewJob => ({ queue: "q", name });

/** Each node with what it waits for: `{ b: ["a"] }`. */
function shape(flow: Flow): Record<string, unknown[]> {
  const edges = ({ parents }: FlowNode): unknown[] =>
    parents.map(({ node, jobId, onFailure }) => [node ?? `job ${jobId}`, ...(onFailure ? [onFailure] : [])].join(" "));
  return Object.fromEntries(flow.nodes.map((node) => [node.name, edges(node)]));
}

describe("a flow", () => {
  it("is built job by job", () => {
    const flow = new Flow("import", { onParentFailure: "cancel" });
    const a = flow.add(job("a"));
    const b = flow.add(job("b"), { name: "bee", after: a });
    const c = flow.add(job("c"), { after: [a, b], onFailure: "ignore" });
    expect([flow.name, flow.onParentFailure, a.name, b.name, c.name]).toEqual(["import", "cancel", "a", "bee", "c"]);
    expect(shape(flow)).toEqual({ a: [], bee: ["a"], c: ["a ignore", "bee ignore"] });
  });

  it("waits for nodes by name, also those that come later, and for jobs that exist", () => {
    const flow = new Flow();
    flow.add(job("a"), { after: ["z", { jobId: "j-1" }, { node: "y", onFailure: "cascade" }], onFailure: "ignore" });
    flow.add(job("z"), { after: { jobId: "j-2", onFailure: "cancel" } });
    expect(shape(flow)).toEqual({ a: ["z ignore", "job j-1 ignore", "y cascade"], z: ["job j-2 cancel"] });
  });

  it("names jobs of one name apart", () => {
    const flow = new Flow();
    flow.add(job("mail"), { name: "mail-2" });
    const names = ["mail", "mail", "mail"].map((name) => flow.add(job(name)).name);
    expect(names).toEqual(["mail", "mail-3", "mail-4"]);
    expect(() => flow.add(job("x"), { name: "mail" })).toThrow('called "mail"');
  });

  it("does not take a node of another flow", () => {
    const other = new Flow().add(job("a"));
    const flow = new Flow();
    flow.add(job("a"));
    expect(() => flow.add(job("b"), { after: other })).toThrow("another flow");
  });
});

describe("jobs put together", () => {
  it("one after the other", () => {
    const flow = new Flow();
    const ends = flow.add(chain(job("a"), job("b"), job("c")));
    expect(shape(flow)).toEqual({ a: [], b: ["a"], c: ["b"] });
    expect(ends.map(({ name }) => name)).toEqual(["c"]);
  });

  it("side by side", () => {
    const flow = new Flow();
    const start = flow.add(job("start"));
    const ends = flow.add(group(job("a"), [job("b"), job("c")]), { after: start });
    expect(shape(flow)).toEqual({ start: [], a: ["start"], b: ["start"], c: ["start"] });
    expect(ends.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("many before one", () => {
    const flow = new Flow();
    flow.add(join([job("a"), chain(job("b"), job("c"))], job("last")));
    expect(shape(flow)).toEqual({ a: [], b: [], c: ["b"], last: ["a", "c"] });
  });

  it("in each other, with names and policies", () => {
    const flow = new Flow();
    const start = flow.add(job("start"));
    const left = chain({ job: job("l"), name: "left", onFailure: "ignore" }, job("l2"));
    flow.add(chain(group(left, job("r")), group(job("x"), job("y"))), { after: start, onFailure: "cancel" });
    expect(shape(flow)).toEqual({
      start: [],
      left: ["start ignore"],
      l2: ["left cancel"],
      r: ["start cancel"],
      x: ["l2 cancel", "r cancel"],
      y: ["l2 cancel", "r cancel"],
    });
  });

  it("may be none: what follows waits for what came before", () => {
    const flow = new Flow();
    flow.add(chain(job("render"), group([]), chain(), job("report")));
    expect(shape(flow)).toEqual({ render: [], report: ["render"] });
    expect(new Flow().add(group())).toEqual([]);
    const after = new Flow();
    after.add(chain(group(), job("b")), { after: after.add(job("a")) });
    expect(shape(after)).toEqual({ a: [], b: ["a"] });
  });
});
