import { status } from "@grpc/grpc-js";
import { Client, type HandlerStopped, type JobContext, Worker, type WorkerOptions } from "rockqueue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenSession } from "../../src/gen/rockqueue/v1/work_service.js";
import { eventually, Gate } from "../support/eventually.js";
import { type Script, ScriptedServer } from "../support/scripted-server.js";
import { Break, delivery, leaseOf, type Talk } from "../support/talk.js";

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

const echo = async (payload: unknown): Promise<unknown> => payload;

/** Starts a worker, lets the scripts play while `meanwhile` runs, and stops it. */
async function work(
  options: WorkerOptions,
  scripts: Script[],
  meanwhile: (worker: Worker) => Promise<void> = async () => undefined,
): Promise<Worker> {
  server.script(...scripts);
  const worker = await new Worker(client, { handlers: { work: echo }, queues: ["q"], ...options }).start();
  try {
    await meanwhile(worker);
  } finally {
    await worker.stop({ grace: 5_000 });
  }
  await server.played();
  return worker;
}

/** Resolves once the script says so, or has failed. */
class Told extends Gate {
  async told(): Promise<void> {
    await eventually("the script got this far", () => this.isOpen || server.failures.length > 0);
  }
}

// The session in its own thread, as users have it, and in the main thread, as bundlers may leave it.
describe.each([true, false])("a session (in its own thread: %s)", (sessionThread) => {
  it("opens with what was asked for", async () => {
    let open: OpenSession | undefined;
    const script = async (talk: Talk): Promise<void> => {
      open = await talk.opened();
      await talk.drained();
    };
    const options = { sessionThread, name: "w-1", lease: 5_000, resumeGrace: 2_500, queues: ["a", "b"] };
    await work(options, [script], () => eventually("the session is open", () => open !== undefined));
    expect(open).toMatchObject({
      queues: ["a", "b"],
      worker: "w-1",
      sessionId: "",
      lease: { seconds: 5, nanos: 0 },
      resumeGrace: { seconds: 2, nanos: 500_000_000 },
    });
    expect(open?.client).toMatch(/^rockqueue-node\/\d/);
  });

  it("grants credits with the settlements that free them", async () => {
    const done = new Told();
    await work(
      { sessionThread, concurrency: 1, prefetch: 0 },
      [
        async (talk) => {
          await talk.opened();
          await talk.creditsOf(1);
          for (let number = 0; number < 5; number += 1) {
            talk.deliver(delivery(number));
            const batch = await talk.expect("settlements");
            expect([batch.credits, batch.sequence]).toEqual([1, number + 1]);
            talk.answer(batch);
          }
          done.open();
          await talk.drained();
        },
      ],
      () => done.told(),
    );
  });

  it("settles together what finishes together", async () => {
    const done = new Told();
    const sizes: number[] = [];
    await work(
      { sessionThread, concurrency: 100, prefetch: 0 },
      [
        async (talk) => {
          await talk.opened();
          await talk.creditsOf(100);
          talk.deliver(...Array.from({ length: 100 }, (_, number) => delivery(number)));
          let count = 0;
          while (count < 100) {
            const batch = await talk.expect("settlements");
            sizes.push(batch.settlements.length);
            count += batch.settlements.length;
            talk.answer(batch);
          }
          done.open();
          await talk.drained();
        },
      ],
      () => done.told(),
    );
    expect(sizes.length).toBeLessThanOrEqual(3);
  });

  it("is resumed when the stream breaks, and sends again what was not answered", async () => {
    const release = new Gate();
    const done = new Told();
    let resumed: OpenSession | undefined;
    const handler = async (payload: number): Promise<number> => {
      if (payload === 2) {
        await release.passed;
      }
      return payload;
    };
    await work(
      { sessionThread, handlers: { work: handler }, concurrency: 2 },
      [
        async (talk) => {
          await talk.opened("s-7");
          await talk.creditsOf(4);
          talk.deliver(delivery(1), delivery(2));
          await talk.expect("settlements");
          throw new Break();
        },
        async (talk) => {
          resumed = await talk.opened("s-7", { resumed: true });
          const batch = await talk.expect("settlements");
          expect(batch.settlements.map(leaseOf)).toEqual(["t1"]);
          // The window without the one delivery that is still running.
          expect(batch.credits).toBe(3);
          talk.answer(batch);
          release.open();
          expect((await talk.settlements()).map(leaseOf)).toEqual(["t2"]);
          done.open();
          await talk.drained();
        },
      ],
      () => done.told(),
    );
    expect(resumed?.sessionId).toBe("s-7");
    expect(resumed?.heldLeases.map((token) => Buffer.from(token).toString()).sort()).toEqual(["t1", "t2"]);
  });

  it("tells the handlers of leases that were lost meanwhile, and drops their outcomes", async () => {
    let reason: HandlerStopped | undefined;
    const handler = (_: unknown, { signal }: JobContext): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason as HandlerStopped;
          reject(signal.reason);
        });
      });
    await work(
      { sessionThread, handlers: { work: handler }, concurrency: 1 },
      [
        async (talk) => {
          await talk.opened();
          await talk.creditsOf(2);
          talk.deliver(delivery(1));
          throw new Break();
        },
        async (talk) => {
          await talk.opened("s-1", { resumed: true, lost: ["t1"] });
          await talk.drained();
        },
      ],
      () => eventually("the handler was told", () => reason !== undefined),
    );
    expect(reason?.stopCause).toBe("LEASE_LOST");
  });

  it("loses every lease when it was not found", async () => {
    let stopped = false;
    const handler = (_: unknown, { signal }: JobContext): Promise<void> =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          stopped = true;
          resolve();
        });
      });
    await work(
      { sessionThread, handlers: { work: handler }, concurrency: 1 },
      [
        async (talk) => {
          await talk.opened("old");
          await talk.creditsOf(2);
          talk.deliver(delivery(1));
          throw new Break();
        },
        async (talk) => {
          await talk.opened("new", { resumed: false, lost: ["t1"] });
          await talk.drained();
        },
      ],
      () => eventually("the handler was told", () => stopped),
    );
  });

  it("is not resumed when another stream took it over", async () => {
    let second: OpenSession | undefined;
    await work(
      { sessionThread },
      [
        async (talk) => {
          await talk.opened("taken");
          throw new Break({ code: status.ABORTED, reason: "SESSION_TAKEN", metadata: { session_id: "taken" } });
        },
        async (talk) => {
          second = await talk.opened("fresh");
          await talk.drained();
        },
      ],
      () => eventually("a new session is open", () => second !== undefined),
    );
    expect(second?.sessionId).toBe("");
  });

  it("leaves a server that is silent for two heartbeats", async () => {
    await work(
      { sessionThread },
      [
        async (talk) => {
          talk.mute = true;
          await talk.opened("s-1", { intervalMs: 100 });
          await talk.untilEnd();
        },
        async (talk) => {
          expect((await talk.opened("s-1", { resumed: true })).sessionId).toBe("s-1");
          await talk.drained();
        },
      ],
      () => eventually("the worker has come back", () => server.streams === 2),
    );
  });

  it("settles otherwise what the server refuses, so that no job stays for ever", async () => {
    const done = new Told();
    await work(
      { sessionThread },
      [
        async (talk) => {
          await talk.opened();
          await talk.expect("credits");
          talk.deliver(delivery(1), delivery(2));
          const batch = await talk.expect("settlements");
          expect(batch.settlements.length).toBe(2);
          talk.answer(batch, [0, "LIMIT_EXCEEDED"], [1, "LEASE_LOST"]);
          const [instead, ...others] = await talk.settlements();
          expect(others).toEqual([]);
          expect(instead && leaseOf(instead)).toBe("t1");
          expect(instead?.outcome).toMatchObject({
            $case: "fail",
            value: { error: { type: "LIMIT_EXCEEDED" }, retry: { $case: "never", value: true } },
          });
          done.open();
          await talk.drained();
        },
      ],
      () => done.told(),
    );
  });

  it("says goodbye to a server that shuts down, and opens a new session", async () => {
    let again: OpenSession | undefined;
    await work(
      { sessionThread },
      [
        async (talk) => {
          await talk.opened("old");
          await talk.expect("credits");
          talk.send({ $case: "drain", value: {} });
          await talk.goodbye();
        },
        async (talk) => {
          again = await talk.opened("new");
          await talk.drained();
        },
      ],
      () => eventually("a new session is open", () => again !== undefined),
    );
    expect(again?.sessionId).toBe("");
  });

  it("fails with an error that no reconnect mends", async () => {
    const metadata = { field: "open.queues[0]" };
    server.script(async (talk) => {
      await talk.expect("open");
      throw new Break({ code: status.INVALID_ARGUMENT, reason: "INVALID_FIELD", metadata });
    });
    const worker = new Worker(client, { handlers: { work: echo }, queues: ["not a queue"], sessionThread });
    const running = worker.run({ handleSignals: false });
    await expect(running).rejects.toMatchObject({ name: "InvalidRequest", reason: "INVALID_FIELD", metadata });
    expect(worker.state).toBe("FAILED");
  });
});

it("reconnects wait longer and longer", async () => {
  const worker = await new Worker(client, { handlers: { work: echo }, queues: ["q"], resumeGrace: 0 }).start();
  const begun = performance.now();
  await eventually("the worker has tried three times", () => server.streams >= 3);
  // At once, after 100 ms, after 200 ms; each times at least 0.5.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(40);
  await worker.stop({ grace: 0 });
});

it("progress and log lines are put together, and come before the outcome", async () => {
  const done = new Told();
  const handler = async (_: unknown, ctx: JobContext): Promise<void> => {
    for (let line = 0; line < 50; line += 1) {
      ctx.log(`line ${line}`);
      ctx.progress(line, `at ${line}`);
    }
  };
  const lines: string[] = [];
  const last: { percent?: number; message?: string } = {};
  await work(
    { handlers: { work: handler } },
    [
      async (talk) => {
        await talk.opened();
        await talk.expect("credits");
        talk.deliver(delivery(1));
        let messages = 0;
        while (lines.length < 50) {
          const { reports } = await talk.expect("reports");
          messages += 1;
          for (const report of reports) {
            lines.push(...report.logLines);
            Object.assign(last, { percent: report.percent, message: report.message });
          }
        }
        expect(messages).toBeLessThanOrEqual(3);
        await talk.settlements();
        done.open();
        await talk.drained();
      },
    ],
    () => done.told(),
  );
  expect(lines).toEqual(Array.from({ length: 50 }, (_, line) => `line ${line}`));
  expect(last).toEqual({ percent: 49, message: "at 49" });
});
