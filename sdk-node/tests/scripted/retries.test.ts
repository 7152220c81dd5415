import { status } from "@grpc/grpc-js";
import {
  Client,
  DeadlineExceeded,
  JobNotFound,
  RockQueueError,
  StorageFull,
  Unavailable,
  UniqueConflict,
  VERSION,
} from "rockqueue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jobMethods, queueMethods, workMethods } from "../../src/calls/methods.js";
import type { PullJobsRequest } from "../../src/gen/rockqueue/v1/work_service.js";
import { UNAVAILABLE } from "../support/refusal.js";
import { LOST, pushed, ScriptedServer } from "../support/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = new Client(server.url, { retry: { initialDelay: 5, maxDelay: 20, attemptTimeout: 2_000 }, logger: false });
});

afterEach(async () => {
  await client.close();
  server.close();
});

const requestIds = (): string[] => server.of<{ requestId: string }>("PushJobs").map((request) => request.requestId);
const failure = async (promise: Promise<unknown>): Promise<RockQueueError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RockQueueError);
  return error as RockQueueError;
};

describe("a call", () => {
  it("is repeated after UNAVAILABLE, under the same request id", async () => {
    server.answer("PushJobs", UNAVAILABLE, UNAVAILABLE, pushed);
    await client.push("q", "n");
    expect(requestIds().length).toBe(3);
    expect(new Set(requestIds()).size).toBe(1);
    expect(requestIds()[0]).not.toBe("");
  });

  it("is repeated when its reply is lost", async () => {
    server.answer("PushJobs", LOST, pushed);
    await client.push("q", "n");
    expect(new Set(requestIds()).size).toBe(1);
    expect(requestIds().length).toBe(2);
  });

  it("has a request id of its own", async () => {
    await client.push("q", "n");
    await client.push("q", "n");
    expect(new Set(requestIds()).size).toBe(2);
  });

  it("waits as long as the server asks", async () => {
    const full = { code: status.RESOURCE_EXHAUSTED, reason: "STORAGE_FULL", retryAfterMs: 150 };
    server.answer("PushJobs", full, pushed);
    const begun = performance.now();
    await client.push("q", "n");
    expect(performance.now() - begun).toBeGreaterThanOrEqual(145);
  });

  it("is not repeated when the server does not say that waiting helps", async () => {
    server.answer("PushJobs", { code: status.RESOURCE_EXHAUSTED, reason: "STORAGE_FULL" });
    const error = await failure(client.push("q", "n"));
    expect(error).toBeInstanceOf(StorageFull);
    expect(error.outcomeUnknown).toBe(false);
    expect(requestIds().length).toBe(1);
  });

  it("is not repeated after a definite error, which says all it knows", async () => {
    const metadata = { job_id: "j-1" };
    server.answer("GetJob", { code: status.NOT_FOUND, reason: "JOB_NOT_FOUND", metadata });
    const error = await failure(client.get("j-1"));
    expect(error).toBeInstanceOf(JobNotFound);
    expect(error).toMatchObject({ code: "NOT_FOUND", reason: "JOB_NOT_FOUND", metadata, fromServer: true });
    expect(error.cause).toBeInstanceOf(Error);
    expect(server.of("GetJob").length).toBe(1);
  });

  it("ends after maxAttempts, and does not know its outcome", async () => {
    await client.close();
    client = new Client(server.url, { retry: { maxAttempts: 3, initialDelay: 1 }, logger: false });
    server.answer("PushJobs", UNAVAILABLE);
    const error = await failure(client.push("q", "n"));
    expect(error).toBeInstanceOf(Unavailable);
    expect(error.outcomeUnknown).toBe(true);
    expect(error.requestId).toBe(requestIds()[0]);
    expect(requestIds().length).toBe(3);
  });

  it("is made once with retry: false", async () => {
    await client.close();
    client = new Client(server.url, { retry: false, logger: false });
    server.answer("PushJobs", UNAVAILABLE);
    await failure(client.push("q", "n"));
    expect(requestIds().length).toBe(1);
  });

  it("knows its outcome when a repeat is refused for good", async () => {
    const held = { code: status.ALREADY_EXISTS, reason: "UNIQUE_CONFLICT", metadata: { job_id: "j", index: "0" } };
    server.answer("PushJobs", UNAVAILABLE, held);
    const error = await failure(client.push("q", "n", null, { unique: { key: "k", onConflict: "reject" } }));
    expect(error).toBeInstanceOf(UniqueConflict);
    expect(error.outcomeUnknown).toBe(false);
    expect((error as UniqueConflict).jobId).toBe("j");
  });

  it("has a deadline on the wire in each attempt", async () => {
    await client.serverInfo();
    await client.get("j", { timeoutMs: 100 }).catch(() => undefined);
    for (const { method, deadlineMs } of server.calls) {
      expect(deadlineMs, method).toBeGreaterThan(0);
      expect(deadlineMs, method).toBeLessThanOrEqual(10_000);
    }
    expect(server.calls.find((call) => call.method === "GetJob")?.deadlineMs).toBeLessThanOrEqual(100);
  });

  it("ends when its time is up", async () => {
    server.answer("GetJob", LOST);
    const begun = performance.now();
    const error = await failure(client.get("j", { timeoutMs: 50 }));
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it("rejects with the reason of its signal", async () => {
    server.answer("GetJob", LOST);
    const abort = new AbortController();
    const getting = client.get("j", { signal: abort.signal });
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    await expect(getting).rejects.toBe(reason);
    await expect(client.get("j", { signal: abort.signal })).rejects.toBe(reason);
  });

  it("says who calls", async () => {
    await client.serverInfo();
    expect(server.calls[0]?.userAgent).toContain(`rockqueue-node/${VERSION}`);
  });

  it("fails with ClientClosed after close", async () => {
    await client.close();
    await expect(client.push("q", "n")).rejects.toMatchObject({ name: "ClientClosed" });
    await expect(client.get("j")).rejects.toMatchObject({ name: "ClientClosed" });
  });
});

describe("the contract says what may be repeated", () => {
  it("and the table of retries is what its descriptors say", () => {
    const unsafe = (methods: object): string[] =>
      Object.values(methods as Record<string, { name: string; repeatable: boolean }>)
        .filter((method) => !method.repeatable)
        .map((method) => method.name);
    expect(unsafe(jobMethods)).toEqual(["StreamPushes"]);
    expect(unsafe(queueMethods)).toEqual([]);
    expect(unsafe(workMethods)).toEqual(["Work", "PullJobs"]);
    expect(jobMethods.getJob.mutating).toBe(false);
    expect(jobMethods.pushJobs.mutating).toBe(true);
  });

  it("so a pull is made once", async () => {
    server.answer("PullJobs", UNAVAILABLE);
    await failure(client.raw.pullJobs({ queues: ["q"], worker: "w" }));
    expect(server.of<PullJobsRequest>("PullJobs").length).toBe(1);
  });
});
