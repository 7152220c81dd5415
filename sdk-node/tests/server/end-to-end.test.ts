// Client and worker against the real server, on its virtual clock where time matters.
import {
  type Client,
  defineJob,
  InvalidState,
  type Job,
  type JobContext,
  JobFailed,
  JobNotFound,
  NonRetryable,
  QueueNotFound,
  Release,
  RetryAfter,
  Snooze,
  UniqueConflict,
  Worker,
} from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { eventually, Gate } from "../support/eventually.js";

let server: RockQueueServer;
let client: Client;
let queue: string;
let count = 0;
const workers: Worker[] = [];

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
  await Promise.all(workers.splice(0).map((worker) => worker.stop({ grace: 0 })));
  expect(await server.problems()).toEqual([]);
  await client.close();
});

async function work(
  handler: (payload: never, ctx: JobContext) => unknown,
  options: Partial<ConstructorParameters<typeof Worker>[1]> = {},
): Promise<Worker> {
  const handlers = { work: handler as (payload: unknown, ctx: JobContext) => unknown };
  const worker = new Worker(client, { handlers, queues: [queue], sessionThread: false, ...options });
  workers.push(worker);
  return worker.start();
}

const result = (id: string): Promise<unknown> => client.result(id, { timeoutMs: 40_000 });
const ended = (id: string): Promise<Job> => client.wait(id, { timeoutMs: 40_000 });

describe("a job", () => {
  it("is worked on, and its result can be waited for", async () => {
    await work((payload: { a: number }) => ({ twice: payload.a * 2 }));
    const { id, existing } = await client.push(queue, "work", { a: 21 }, { headers: { tenant: "x" }, tags: ["t"] });
    expect(existing).toBe(false);
    expect(await result(id)).toEqual({ twice: 42 });
    const job = await client.get(id);
    expect(job).toMatchObject({
      state: "COMPLETED",
      attempt: 1,
      headers: { tenant: "x" },
      tags: ["t"],
      finished: true,
    });
    expect(job.payload).toEqual({ a: 21 });
    expect(job.createTime).toBeInstanceOf(Date);
  });

  it("carries bytes as they are", async () => {
    await work((payload: Uint8Array) => payload.map((byte) => 255 - byte));
    const { id } = await client.push(queue, "work", new Uint8Array([0, 1, 255]));
    expect(await result(id)).toEqual(new Uint8Array([255, 254, 0]));
  });

  it("tells its handler all about itself", async () => {
    let seen: Record<string, unknown> = {};
    await work((_, ctx) => {
      const { id, name, attempt, failures, crashes, priority, headers, tags, deadline } = ctx;
      seen = { id, queue: ctx.queue, name, attempt, failures, crashes, priority, headers, tags, deadline };
    });
    const options = { priority: 3, headers: { a: "b" }, tags: ["t"], timeout: 60_000 };
    const { id } = await client.push(queue, "work", null, options);
    expect(await result(id)).toBeNull();
    expect(seen).toMatchObject({ id, queue, name: "work", attempt: 1, failures: 0, crashes: 0, priority: 3 });
    expect(seen).toMatchObject({ headers: { a: "b" }, tags: ["t"], deadline: expect.any(Date) });
  });

  it("fails when its handler throws, and is tried again", async () => {
    await work((_, ctx) => {
      if (ctx.attempt < 3) {
        throw new TypeError(`not yet (${ctx.attempt})`, { cause: new Error("deeper") });
      }
      return ctx.failures;
    });
    const { id } = await client.push(queue, "work", null, { retry: { kind: "fixed", base: 0 } });
    expect(await result(id)).toBe(2);
    const { errors } = await client.get(id);
    expect(errors.map(({ type, message }) => [type, message])).toEqual([
      ["TypeError", "not yet (1)"],
      ["TypeError", "not yet (2)"],
    ]);
    expect(errors[0]?.stack).toContain("caused by Error: deeper");
  });

  it("is DEAD after its last attempt, and can be put back", async () => {
    let mended = false;
    await work(() => {
      if (!mended) {
        throw new Error("broken");
      }
      return "done";
    });
    const { id } = await client.push(queue, "work", null, { maxAttempts: 1 });
    const failure = await result(id).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JobFailed);
    expect((failure as JobFailed).job).toMatchObject({ state: "DEAD", deadReason: "ATTEMPTS_EXHAUSTED" });
    mended = true;
    expect(await client.retryAll({ queue, state: "DEAD", dryRun: true })).toBe(1);
    await client.retry(id);
    expect(await result(id)).toBe("done");
  });

  it.each<[string, () => unknown, Partial<Job>]>([
    ["NonRetryable", () => new NonRetryable("never"), { state: "DEAD", deadReason: "NON_RETRYABLE" }],
    ["RetryAfter", () => new RetryAfter(3_600_000), { state: "DELAYED", failures: 1 }],
    ["Snooze", () => new Snooze(3_600_000), { state: "DELAYED", snoozes: 1, failures: 0 }],
  ])("whose handler throws %s is %o", async (_, outcome, expected) => {
    await work(() => {
      throw outcome();
    });
    const { id } = await client.push(queue, "work");
    await eventually("the outcome is stored", async () => (await client.get(id)).state === expected.state);
    expect(await client.get(id)).toMatchObject(expected);
  });

  it("is given back by Release, without a count", async () => {
    await work((_, ctx) => {
      if (ctx.attempt === 1) {
        throw new Release();
      }
      return ctx.attempt;
    });
    const { id } = await client.push(queue, "work");
    expect(await result(id)).toBe(2);
    expect(await client.get(id)).toMatchObject({ failures: 0, releases: 1 });
  });

  it("that is cancelled aborts its handler's signal", async () => {
    const began = new Gate();
    const causes: unknown[] = [];
    await work(async (_, { signal }) => {
      began.open();
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }).catch((reason: { stopCause: string }) => {
        causes.push(reason.stopCause);
        throw reason;
      });
    });
    const { id } = await client.push(queue, "work");
    await began.passed;
    await client.cancel(id);
    expect((await ended(id)).state).toBe("CANCELLED");
    expect(causes).toEqual(["REQUESTED"]);
  });

  it("pushes follow-ups with its completion", async () => {
    await work((payload: string, ctx) => {
      if (payload === "first") {
        ctx.followUp({ queue, name: "work", payload: "second" });
      }
      return payload;
    });
    const { id } = await client.push(queue, "work", "first");
    await result(id);
    await eventually("the follow-up is done", async () => (await client.queues.get(queue)).counts.completed === 2);
  });

  it("keeps what its handler logged and how far it was", async () => {
    const go = new Gate();
    await work(async (_, ctx) => {
      ctx.log("one");
      ctx.progress(40, "almost half");
      await go.passed;
      ctx.log("two");
    });
    const { id } = await client.push(queue, "work");
    await eventually("the progress is stored", async () => (await client.get(id)).progress?.percent === 40);
    go.open();
    await result(id);
    const { lines, dropped } = await client.logs(id);
    expect([lines.map((line) => line.text), dropped]).toEqual([["one", "two"], 0]);
  });

  it("whose result JSON cannot hold is DEAD, and says why", async () => {
    await work(() => 1n);
    const { id } = await client.push(queue, "work");
    expect(await ended(id)).toMatchObject({ state: "DEAD", errors: [{ type: "PAYLOAD_ERROR" }] });
  });

  it("without a handler is put off for workers that have one", async () => {
    await work(() => null);
    const { id } = await client.push(queue, "something-else");
    await eventually("the job is put off", async () => (await client.get(id)).snoozes === 1);
  });
});

describe("a client", () => {
  it("pushes many at once, lists them in order, page by page", async () => {
    const pushed = await client.pushMany(Array.from({ length: 25 }, (_, payload) => ({ queue, name: "n", payload })));
    const found: unknown[] = [];
    for await (const job of client.list({ queue, pageSize: 10, includePayload: true })) {
      found.push([job.id, job.payload]);
    }
    expect(found).toEqual(pushed.map(({ id }, payload) => [id, payload]));
    for await (const job of client.list({ queue, newestFirst: true })) {
      expect(job.id).toBe(pushed.at(-1)?.id);
      break;
    }
  });

  it("stores all of pushMany or none", async () => {
    const jobs = [
      { queue, name: "ok" },
      { queue, name: "not/ok" },
    ];
    await expect(client.pushMany(jobs)).rejects.toMatchObject({
      name: "InvalidRequest",
      violations: [{ field: "jobs[1].name" }],
    });
    await expect(client.queues.get(queue)).rejects.toBeInstanceOf(QueueNotFound);
  });

  it("keeps a key unique, in the three ways", async () => {
    const first = await client.push(queue, "n", 1, { unique: "k", delay: 60_000 });
    expect(await client.push(queue, "n", 2, { unique: "k" })).toEqual({
      id: first.id,
      existing: true,
      replaced: false,
    });
    const replace = { key: "k", onConflict: "replace" } as const;
    expect(await client.push(queue, "n", 3, { unique: replace })).toMatchObject({ id: first.id, replaced: true });
    expect((await client.get(first.id)).payload).toBe(3);
    const reject = client.push(queue, "n", 4, { unique: { key: "k", onConflict: "reject" } });
    await expect(reject).rejects.toMatchObject({ name: "UniqueConflict", jobId: first.id });
    await expect(reject).rejects.toBeInstanceOf(UniqueConflict);
  });

  it("cancels and deletes, one, many and all", async () => {
    const [one, two, three, four] = await client.pushMany(
      Array.from({ length: 4 }, () => ({ queue, name: "n", tags: ["x"] })),
    );
    await client.cancel(one?.id ?? "");
    await expect(client.retry(two?.id ?? "")).rejects.toBeInstanceOf(InvalidState);
    const missing = "01a00000-0000-7000-8000-000000000000";
    const { affected, failures } = await client.deleteMany([two?.id ?? "", missing]);
    expect([affected, [...failures.keys()]]).toEqual([1, [missing]]);
    expect(failures.get(missing)).toBeInstanceOf(JobNotFound);
    expect(await client.cancelAll({ queue, tags: ["x"] })).toBe(2);
    expect(await client.deleteAll({ queue })).toBe(3);
    await expect(client.get(three?.id ?? "")).rejects.toBeInstanceOf(JobNotFound);
    await expect(client.delete(four?.id ?? "")).rejects.toBeInstanceOf(JobNotFound);
  });

  it("looks after queues", async () => {
    const limits = { maxActive: 2, maxBacklogJobs: 100, maxBacklogBytes: 10_000, defaultLease: 60_000 };
    const updated = await client.queues.update(queue, { ...limits, defaultRetry: { maxAttempts: 9 } });
    expect(updated.settings).toMatchObject(limits);
    expect(updated.backlogBytes).toBe(0);
    expect((await client.queues.update(queue, { reset: ["maxActive"] })).settings.maxActive).toBeUndefined();
    expect((await client.queues.pause(queue)).paused).toBe(true);
    await client.push(queue, "n");
    expect((await client.queues.resume(queue)).paused).toBe(false);
    expect((await client.queues.get(queue)).backlogBytes).toBeGreaterThan(0);
    expect(await client.queues.purge(queue)).toBe(1);
    const names: string[] = [];
    for await (const { name } of client.queues.list({ prefix: queue })) {
      names.push(name);
    }
    expect(names).toContain(queue);
  });

  it("sees what happens, and goes on after a cursor", async () => {
    await work(() => 1);
    await using events = await client.events({ queues: [queue] }).start();
    const { id } = await client.push(queue, "work");
    const types: string[] = [];
    let cursor = "";
    for await (const event of events) {
      types.push(event.type);
      if (event.type === "JOB_STARTED") {
        cursor = event.cursor;
      }
      if (event.type === "JOB_COMPLETED") {
        expect(event.jobId).toBe(id);
        break;
      }
    }
    expect(types.filter((type) => type.startsWith("JOB_"))).toEqual(["JOB_PUSHED", "JOB_STARTED", "JOB_COMPLETED"]);
    const { value } = await client.events({ queues: [queue], after: cursor }).next();
    expect(value?.type).toBe("JOB_COMPLETED");
  });

  it("says in time that a job is not finished", async () => {
    const { id } = await client.push(queue, "nobody");
    await expect(client.wait(id, { timeoutMs: 50 })).rejects.toMatchObject({ name: "DeadlineExceeded" });
  });

  it("works job by job with the raw calls", async () => {
    const { id } = await client.push(queue, "n", "x");
    const { deliveries } = await client.raw.pullJobs({ queues: [queue], worker: "w", maxJobs: 5 });
    expect(deliveries.map((delivery) => delivery.jobId)).toEqual([id]);
    const leaseToken = deliveries[0]?.leaseToken ?? new Uint8Array();
    const { leases } = await client.raw.extendLeases({ leaseTokens: [leaseToken] });
    expect(leases[0]?.cancelRequested).toBe(false);
    const complete = { $case: "complete", value: {} } as const;
    const settled = await client.raw.settleJobs({ settlements: [{ leaseToken, outcome: complete }] });
    expect(settled.results.map(({ code }) => code)).toEqual([0]);
    expect((await client.get(id)).state).toBe("COMPLETED");
  });

  it("tells what the server is", async () => {
    const { version, capabilities, limits } = await client.serverInfo();
    expect(version).toMatch(/^\d+\.\d+/);
    expect(capabilities).toContain("work_stream");
    expect(limits).toMatchObject({ batchEntries: 1000, payloadBytes: 1_048_576, minLease: 1000, maxPoll: 60_000 });
  });
});

describe("a typed job", () => {
  const greet = () =>
    defineJob({ name: "greet", queue, input: z.object({ to: z.string(), times: z.number().default(1) }) });

  it("is checked by its schema when it is pushed", async () => {
    const pushing = greet().push(client, { to: 7 as unknown as string });
    await expect(pushing).rejects.toMatchObject({ name: "PayloadError", violations: [{ field: "to" }] });
  });

  it("gives its handler what the schema makes of the payload", async () => {
    const job = greet();
    const worker = new Worker(client, {
      jobs: [job.handle(({ to, times }) => `${"hello ".repeat(times)}${to}`)],
      sessionThread: false,
    });
    workers.push(await worker.start());
    const { id } = await job.push(client, { to: "Ada" });
    expect(await job.result(client, id, { timeoutMs: 40_000 })).toBe("hello Ada");
    const wrong = await client.push(queue, "greet", { to: null });
    expect(await ended(wrong.id)).toMatchObject({ state: "DEAD", errors: [{ type: "PAYLOAD_ERROR" }] });
  });

  it("takes other options for one push, and keeps its own", async () => {
    const job = defineJob<{ a: number }>({ name: "n", queue, maxAttempts: 7, tags: ["own"] });
    const { id } = await job.options({ priority: 9, maxAttempts: 2 }).push(client, { a: 1 });
    const found = await client.get(id);
    expect([found.priority, found.spec.retry?.maxAttempts, found.tags]).toEqual([9, 2, ["own"]]);
    expect(job.new({ a: 1 })).toEqual({ name: "n", queue, maxAttempts: 7, tags: ["own"], payload: { a: 1 } });
  });
});

describe("a worker", () => {
  it("goes from CREATED over RUNNING and DRAINING to STOPPED", async () => {
    const go = new Gate();
    const began = new Gate();
    const worker = new Worker(client, {
      handlers: {
        work: async (_, ctx) => {
          began.open();
          await go.passed;
          return ctx.shuttingDown;
        },
      },
      queues: [queue],
    });
    expect(worker.state).toBe("CREATED");
    await worker.start();
    expect(worker.state).toBe("RUNNING");
    const { id } = await client.push(queue, "work");
    await began.passed;
    const stopping = worker.stop();
    expect(worker.state).toBe("DRAINING");
    go.open();
    await stopping;
    expect(worker.state).toBe("STOPPED");
    expect(await result(id)).toBe(true);
    await expect(worker.start()).rejects.toThrow("a worker starts once");
    await worker.stop();
  });

  it("gives back what has not begun, and what does not end in time, uncharged", async () => {
    const began = new Gate();
    const worker = await work(
      async (_, ctx) => {
        began.open();
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
        throw ctx.signal.reason;
      },
      { concurrency: 1 },
    );
    const jobs = await client.pushMany([1, 2].map(() => ({ queue, name: "work" })));
    await began.passed;
    await worker.stop({ grace: 0 });
    for (const { id } of jobs) {
      expect(await client.get(id)).toMatchObject({ state: "WAITING", failures: 0, crashes: 0 });
    }
  });

  it("runs no more handlers at once than it should", async () => {
    let running = 0;
    let most = 0;
    await work(
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
      { concurrency: 3 },
    );
    const jobs = await client.pushMany(Array.from({ length: 50 }, () => ({ queue, name: "work" })));
    await Promise.all(jobs.map(({ id }) => result(id)));
    expect(most).toBe(3);
  });

  it.each<[string, object]>([
    ["no handlers", { queues: ["q"] }],
    ["handlers without queues", { handlers: { n: () => 1 } }],
    ["a concurrency of 0", { handlers: { n: () => 1 }, queues: ["q"], concurrency: 0 }],
    ["a job without its handler", { jobs: [defineJob({ name: "n" })] }],
  ])("cannot be made with %s", (_, options) => {
    expect(() => new Worker(client, options as ConstructorParameters<typeof Worker>[1])).toThrow(/.+/);
  });
});
