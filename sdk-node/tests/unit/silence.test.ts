import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Silence } from "../../src/calls/silence.js";

let bytes: number;
let silence: Silence;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  bytes = 100;
  silence = new Silence(() => bytes);
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): void => void vi.advanceTimersByTime(ms);

it("begins with the first who asks", () => {
  pass(1_000);
  expect(silence.lasts()).toBe(0);
  silence.begin();
  pass(300);
  silence.begin();
  pass(300);
  expect(silence.lasts()).toBe(600);
});

it("ends with any byte, for those who still wait too", () => {
  silence.begin();
  silence.begin();
  pass(500);
  bytes += 9;
  silence.end();
  pass(200);
  expect(silence.lasts()).toBe(200);
});

it("does not last while nobody asks", () => {
  silence.begin();
  pass(10);
  bytes += 9;
  silence.end();
  pass(60_000);
  expect(silence.lasts()).toBe(0);
  silence.begin();
  pass(20);
  expect(silence.lasts()).toBe(20);
});

it("goes on over those who gave up", () => {
  for (let asked = 0; asked < 5; asked += 1) {
    silence.begin();
    pass(100);
    silence.end();
  }
  expect(silence.lasts()).toBe(500);
});

it("ends with a connection that takes the place of another", () => {
  silence.begin();
  pass(500);
  bytes = 0;
  expect(silence.lasts()).toBe(0);
});
