import { Client, QueueFull } from "rockqueue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PushBatcher } from "../../src/pushing/batcher.js";

interface Sent {
  readonly names: string[];
  answer(): void;
  refuse(error: unknown): void;
}

let sent: Sent[];
let answered: string[];

const send = (specs: readonly Uint8Array[]): Promise<{ id: string; existing: boolean; replaced: boolean }[]> =>
  new Promise((resolve, reject) => {
    const names = specs.map((spec) => Buffer.from(spec).toString());
    const answer = (): void => resolve(names.map((id) => ({ id, existing: false, replaced: false })));
    sent.push({ names, answer, refuse: reject });
  });
const names = (): string[][] => sent.map((batch) => batch.names);
/** Lets everything happen that waits for no clock. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};
const push = async (batcher: PushBatcher, ...several: string[]): Promise<void> => {
  for (const name of several) {
    void batcher.push(name.slice(0, 1), Buffer.from(name)).then(({ id }) => answered.push(id));
  }
  await settled();
};
const answer = async (index: number): Promise<void> => {
  sent[index]?.answer();
  await settled();
};
const turn = async (ms: number): Promise<void> => {
  vi.advanceTimersByTime(ms);
  await settled();
};
/** A batcher whose first batch, which goes alone, is back. */
async function batcherOf(lingerMs: number, most = 1000): Promise<PushBatcher> {
  const batcher = new PushBatcher(send, () => Promise.resolve(most), lingerMs);
  await push(batcher, "first");
  await answer(0);
  sent = [];
  return batcher;
}

beforeEach(() => {
  sent = [];
  answered = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

it("waits for nobody when no batch is under way", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await answer(0);
  await push(batcher, "b");
  expect(names()).toEqual([["a"], ["b"]]);
  expect(vi.getTimerCount()).toBe(0);
});

it("lets the first in line linger, with one timer for all", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b");
  await turn(500);
  await push(batcher, "c");
  expect(vi.getTimerCount()).toBe(1);
  await turn(499);
  expect(names()).toEqual([["a"]]);
  await turn(1);
  expect(names()).toEqual([["a"], ["b", "c"]]);
  expect(vi.getTimerCount()).toBe(0);
});

it("sends what lingers once the batch under way is answered", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b");
  await answer(0);
  expect(names()).toEqual([["a"], ["b"]]);
});

it("has two batches under way at most", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b");
  await turn(1000);
  await push(batcher, "c");
  await turn(5000);
  expect(names()).toEqual([["a"], ["b"]]);
  await answer(1);
  expect(names()).toEqual([["a"], ["b"], ["c"]]);
});

it("arms its timer anew for a push that came later", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b");
  await turn(500);
  await answer(0);
  await push(batcher, "c");
  await turn(500);
  expect(names()).toEqual([["a"], ["b"]]);
  await turn(500);
  expect(names()).toEqual([["a"], ["b"], ["c"]]);
});

it("does not let a full batch linger", async () => {
  const batcher = await batcherOf(1000, 3);
  await push(batcher, "a");
  await push(batcher, "b", "c", "d", "e");
  expect(names()).toEqual([["a"], ["b", "c", "d"]]);
  await turn(1000);
  await answer(0);
  expect(names()).toEqual([["a"], ["b", "c", "d"], ["e"]]);
});

it("does not let a batch linger that is full by its bytes", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b".repeat(600_000), "c".repeat(600_000));
  expect(names().map((batch) => batch.length)).toEqual([1, 1]);
  for (let index = 0; index < 3; index += 1) {
    await answer(index);
  }
  await push(batcher, "d");
  await push(batcher, "e");
  expect(names().length).toBe(4);
});

it("sends the first batch alone, however long it takes", async () => {
  const batcher = new PushBatcher(send, () => Promise.resolve(1000), 0);
  await push(batcher, "a");
  await push(batcher, "b");
  await turn(1000);
  expect(names()).toEqual([["a"]]);
  await answer(0);
  expect(names()).toEqual([["a"], ["b"]]);
});

it("has one batch under way without a linger, full or not", async () => {
  const batcher = await batcherOf(Number.POSITIVE_INFINITY, 2);
  await push(batcher, "a");
  await push(batcher, "b", "c", "d");
  await turn(3_600_000);
  expect(names()).toEqual([["a"]]);
  expect(vi.getTimerCount()).toBe(0);
  await answer(0);
  expect(names()).toEqual([["a"], ["b", "c"]]);
});

it("puts two batches to one full queue into one line", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "q1", "q2");
  await push(batcher, "q3", "q4");
  await turn(1000);
  const full = (): QueueFull => new QueueFull("full", { code: "RESOURCE_EXHAUSTED", metadata: { queue: "q" } });
  sent[0]?.refuse(full());
  await settled();
  sent[1]?.refuse(full());
  await settled();
  for (let index = 2; index < 6; index += 1) {
    await answer(index);
  }
  await batcher.idle();
  expect(answered).toEqual(["first", "q1", "q2", "q3", "q4"]);
});

it("is idle when all is answered, and leaves no timer", async () => {
  const batcher = await batcherOf(1000);
  await push(batcher, "a");
  await push(batcher, "b");
  let idle = false;
  void batcher.idle().then(() => {
    idle = true;
  });
  await answer(0);
  expect(idle).toBe(false);
  await answer(1);
  expect(idle).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it("refuses a linger that makes no sense", () => {
  for (const lingerMs of [-1, Number.NaN, "1" as unknown as number]) {
    expect(() => new Client(undefined, { lingerMs })).toThrow(RangeError);
  }
});
