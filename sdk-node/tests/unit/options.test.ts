import { JSON_CODEC, type NewJob, PayloadError } from "rockqueue";
import { describe, expect, it } from "vitest";
import { fromDuration, toDuration, toTimestamp } from "../../src/durations.js";
import { buildSpec } from "../../src/options.js";

const spec = (options: Partial<NewJob>) => buildSpec({ queue: "q", name: "n", ...options }, JSON_CODEC);

describe("options of a push", () => {
  it("are all in the job", () => {
    const built = spec({
      payload: { a: 1 },
      priority: -3,
      delay: 1500,
      ttl: 60_000,
      timeout: 0.5,
      retry: { kind: "linear", base: 10, maxDelay: 100, jitter: 0 },
      maxAttempts: 7,
      maxCrashes: 2,
      unique: { key: "k", scope: "queue_and_name", window: 5000, onConflict: "replace" },
      headers: { tenant: "a" },
      tags: ["x"],
      group: "tenant-7",
      cancelGrace: 0,
      retention: 1000,
    });
    expect(built).toEqual({
      queue: "q",
      name: "n",
      payload: Buffer.from('{"a":1}'),
      contentType: "application/json",
      priority: -3,
      start: { $case: "delay", value: { seconds: 1, nanos: 500_000_000 } },
      expiry: { $case: "ttl", value: { seconds: 60, nanos: 0 } },
      timeout: { seconds: 0, nanos: 500_000 },
      retry: {
        kind: 2,
        base: { seconds: 0, nanos: 10_000_000 },
        maxDelay: { seconds: 0, nanos: 100_000_000 },
        jitter: 0,
        maxAttempts: 7,
      },
      maxCrashes: 2,
      unique: { key: "k", scope: 2, onConflict: 3, until: { $case: "window", value: { seconds: 5, nanos: 0 } } },
      headers: { tenant: "a" },
      tags: ["x"],
      group: "tenant-7",
      cancelGrace: { seconds: 0, nanos: 0 },
      retention: { seconds: 1, nanos: 0 },
    });
  });

  it("may be left undefined", () => {
    expect(spec({ delay: undefined, retry: undefined, unique: undefined })).toEqual(spec({}));
  });

  it("take moments as dates", () => {
    const moment = new Date("2027-01-01T08:00:00.250Z");
    const value = { seconds: 1_798_790_400, nanos: 250_000_000 };
    expect(spec({ runTime: moment, expireTime: moment })).toMatchObject({
      start: { $case: "runTime", value },
      expiry: { $case: "expireTime", value },
    });
  });

  it.each<[string, Partial<NewJob>]>([
    ["delay and runTime", { delay: 1, runTime: new Date() }],
    ["ttl and expireTime", { ttl: 1, expireTime: new Date() }],
    ["a delay that is no number", { delay: Number.NaN }],
    ["a date that is none", { runTime: new Date("never") }],
    ["an unknown option", { prioriti: 1 } as Partial<NewJob>],
    ["an unknown kind of backoff", { retry: { kind: "quadratic" as "linear" } }],
    ["an unknown rule for conflicts", { unique: { key: "k", onConflict: "win" as "reject" } }],
    ["tags as a string", { tags: "x" as unknown as string[] }],
    ["a queue that is no string", { queue: 7 as unknown as string }],
    ["a group that is no string", { group: 7 as unknown as string }],
  ])("refuse %s", (_, options) => {
    expect(() => spec(options)).toThrow(/.+/);
  });
});

describe("JSON", () => {
  const roundTrip = (value: unknown): unknown => {
    const { data, contentType } = JSON_CODEC.encode(value);
    return JSON_CODEC.decode(data, contentType);
  };

  it.each([[null], [0], ["ä€😀"], [{ a: [1, null, "null"] }], [true]])("carries %j", (value) => {
    expect(roundTrip(value)).toEqual(value);
  });

  it("carries bytes as they are, and nothing as null", () => {
    expect(roundTrip(new Uint8Array([1, 2, 255]))).toEqual(new Uint8Array([1, 2, 255]));
    expect(roundTrip(undefined)).toBeNull();
    expect(JSON_CODEC.decode(new Uint8Array(), "")).toBeNull();
    expect(JSON_CODEC.decode(Buffer.from("text"), "text/plain; charset=utf-8")).toBe("text");
  });

  it.each([
    ["NaN", { a: Number.NaN }],
    ["infinity", [Number.POSITIVE_INFINITY]],
    ["a bigint", 1n],
    ["a function", () => 1],
  ])("refuses %s", (_, value) => {
    expect(() => JSON_CODEC.encode(value)).toThrow(PayloadError);
  });

  it("says what is wrong with bytes that are not JSON", () => {
    expect(() => JSON_CODEC.decode(Buffer.from("{"), "application/json")).toThrow(PayloadError);
    expect(() => JSON_CODEC.decode(new Uint8Array([0xff]), "application/json")).toThrow(PayloadError);
  });
});

describe("durations", () => {
  it.each([0, 1, 999.999999, 1000, 86_400_000, 0.000001, 1e12])("%d ms come back as they were", (ms) => {
    const message = toDuration(ms, "delay");
    expect(message.nanos).toBeLessThan(1e9);
    expect(fromDuration(message)).toBeCloseTo(ms, 6);
  });

  it("keep moments before 1970 in the form of the contract", () => {
    expect(toTimestamp(new Date(-1), "t")).toEqual({ seconds: -1, nanos: 999_000_000 });
  });
});
