// What heartbeats say of the handlers. The pulse beats in this thread; the clock is the real one, and blocked on purpose.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Health } from "../../src/session/health.js";
import { Pulse, PulseReader } from "../../src/session/pulse.js";
import { keyToken, tokenKey } from "../../src/session/wire.js";

let pulse: Pulse;
let beats: number;

beforeEach(() => {
  beats = 0;
  pulse = new Pulse(() => {
    beats += 1;
  });
  pulse.start();
});

afterEach(() => {
  pulse.stop();
});

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function beatOnce(): Promise<void> {
  for (const before = beats; beats === before; ) {
    await sleep(5);
  }
}

const names = (tokens: readonly Uint8Array[]): string[] => tokens.map(tokenKey);

it("a loop that is blocked is late for as long, also before it comes to say so", async () => {
  const reader = new PulseReader(pulse.memory);
  await beatOnce();
  reader.takeLatestMs();
  block(400);
  expect(reader.overdueMs()).toBeGreaterThanOrEqual(200);
  expect(reader.takeLatestMs()).toBeGreaterThanOrEqual(200);
  await beatOnce();
  expect(reader.takeLatestMs()).toBeGreaterThanOrEqual(200);
});

it("what was late once is said once", async () => {
  const reader = new PulseReader(pulse.memory);
  block(400);
  await beatOnce();
  const first = reader.takeLatestMs();
  expect(first).toBeGreaterThanOrEqual(200);
  expect(reader.takeLatestMs()).toBeLessThan(first);
});

it("a heartbeat names the handlers that the worker calls stuck, as long as it has them", () => {
  const health = new Health(pulse.memory, 2, 60_000, () => undefined);
  expect(health.heartbeat(["a", "b"]).stuckLeases).toEqual([]);
  health.takeStuck(["a", "b"].map(keyToken));
  expect(names(health.heartbeat(["a", "b", "c"]).stuckLeases)).toEqual(["a", "b"]);
  expect(names(health.heartbeat(["b"]).stuckLeases)).toEqual(["b"]);
  health.takeStuck([]);
  expect(health.heartbeat(["b"]).stuckLeases).toEqual([]);
});

it("while the loop is blocked, what had begun is stuck, and what came since is not", async () => {
  const told: number[] = [];
  const health = new Health(pulse.memory, 3, 1_200, (ms) => told.push(ms));
  await beatOnce();
  health.delivered(["a", "b"]);
  block(1_150);
  health.delivered(["c"]);
  expect(health.heartbeat(["a", "b", "c"]).stuckLeases).toEqual([]);
  block(250);
  const { loopLag, stuckLeases } = health.heartbeat(["a", "b", "c"]);
  expect(names(stuckLeases)).toEqual(["a", "b"]);
  expect(loopLag?.seconds).toBeGreaterThanOrEqual(1);
  health.heartbeat(["a", "b", "c"]);
  expect(told.length).toBe(1);
  await beatOnce();
  expect(health.heartbeat(["a", "b", "c"]).stuckLeases).toEqual([]);
});

it("nothing is stuck where that is switched off", () => {
  const told: number[] = [];
  const health = new Health(pulse.memory, 1, 0, (ms) => told.push(ms));
  block(1_200);
  expect(health.heartbeat(["a"]).stuckLeases).toEqual([]);
  expect(told).toEqual([]);
});
