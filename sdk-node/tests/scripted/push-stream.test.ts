import { getEventListeners } from "node:events";
import { status } from "@grpc/grpc-js";
import {
  Client,
  ClientClosed,
  type ClientOptions,
  DeadlineExceeded,
  InvalidRequest,
  LimitExceeded,
  Overloaded,
  type PushedJob,
  RockQueueError,
  ServerError,
} from "rockqueue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually, Gate } from "../support/eventually.js";
import { type Batch, type PushTalk, payloads } from "../support/push-talk.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { Break } from "../support/talk.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = connect({ retry: { initialDelay: 5, maxDelay: 20, attemptTimeout: 30_000 } });
});

afterEach(async () => {
  await client.close();
  await server.played();
  server.close();
});

const connect = (options: ClientOptions): Client => new Client(server.url, { logger: false, ...options });

/** The job with this payload, as a batch of its own; its id will be its payload. */
const push = (payload: unknown, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<PushedJob[]> =>
  client.pushMany([{ queue: "q", name: "n", payload }], options);
const idsOf = async (pushes: Promise<PushedJob[]>[]): Promise<string[]> =>
  (await Promise.all(pushes)).flat().map((job) => job.id);
const failure = async (promise: Promise<unknown>): Promise<RockQueueError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RockQueueError);
  return error as RockQueueError;
};
const storeAll = async (talk: PushTalk): Promise<void> => {
  for (let batch = await talk.next(); batch !== undefined; batch = await talk.next()) {
    talk.store(batch);
  }
};

describe("the stream of pushes", () => {
  it("carries the batches of all callers in their order, under sequences of their own", async () => {
    const found: Batch[] = [];
    server.scriptPushes(async (talk) => {
      await storeAll(talk);
      found.push(...talk.batches);
    });
    const numbers = Array.from({ length: 100 }, (_, number) => String(number));
    expect(await idsOf(numbers.map((number) => push(Number(number))))).toEqual(numbers);
    await client.push("q", "n", "single");
    await client.close();
    await server.played();
    expect(found.flatMap(({ request }) => payloads(request))).toEqual([...numbers, '"single"']);
    expect(found.map(({ sequence }) => sequence)).toEqual(found.map((_, index) => index + 1));
    expect(server.pushStreams).toBe(1);
    expect(server.of("PushJobs")).toEqual([]);
  });

  it("gives each batch its own outcome, in whatever order they come", async () => {
    server.scriptPushes(async (talk) => {
      const [first, second] = [await talk.batch(), await talk.batch()];
      talk.store(second);
      talk.store(first);
      await talk.untilEnd();
    });
    const order: string[] = [];
    const pushes = ["a", "b"].map((payload) =>
      push(payload).then((jobs) => {
        order.push(payload);
        return jobs;
      }),
    );
    expect(await idsOf(pushes)).toEqual(['"a"', '"b"']);
    expect(order).toEqual(["b", "a"]);
  });

  it("fails the batch that is refused with all that the server says, and no other", async () => {
    const violations = [{ field: "jobs[0].queue", description: "has a letter that is not allowed" }];
    const metadata = { field: "jobs[0].queue" };
    server.scriptPushes(async (talk) => {
      const [bad, good] = [await talk.batch(), await talk.batch()];
      talk.refuse(bad, { code: status.INVALID_ARGUMENT, reason: "INVALID_FIELD", metadata, violations });
      talk.store(good);
      await talk.untilEnd();
    });
    const [bad, good] = [push("bad"), push("good")];
    const error = await failure(bad);
    expect(error).toBeInstanceOf(InvalidRequest);
    expect(error).toMatchObject({ reason: "INVALID_FIELD", violations, fromServer: true, outcomeUnknown: false });
    expect(error.metadata).toMatchObject(metadata);
    expect(await idsOf([good])).toEqual(['"good"']);
  });

  it("tells how long to wait, when the server says so", async () => {
    await client.close();
    client = connect({ retry: false });
    server.scriptPushes(async (talk) => {
      const refusal = { code: status.RESOURCE_EXHAUSTED, reason: "OVERLOADED", retryAfterMs: 250 };
      talk.refuse(await talk.batch(), refusal);
      await talk.untilEnd();
    });
    const error = await failure(push("early"));
    expect(error).toBeInstanceOf(Overloaded);
    expect(error).toMatchObject({ retryAfterMs: 250, outcomeUnknown: false });
  });

  it("ignores outcomes of batches that it does not know, and fails those that say nothing", async () => {
    server.scriptPushes(async (talk) => {
      const batch = await talk.batch();
      talk.send({ sequence: 77 }, { sequence: 0 });
      talk.store(batch, batch);
      talk.send({ sequence: (await talk.batch()).sequence });
      await talk.untilEnd();
    });
    expect(await idsOf([push("known")])).toEqual(['"known"']);
    expect(await failure(push("nothing"))).toBeInstanceOf(ServerError);
  });

  it("is not harmed by a batch that is too large for it", async () => {
    const arrived = new Gate();
    const refused = new Gate();
    server.scriptPushes(async (talk) => {
      const batch = await talk.batch();
      arrived.open();
      await refused.passed;
      talk.store(batch);
      await talk.untilEnd();
    });
    const small = push("small");
    await arrived.passed;
    expect(await failure(push("x".repeat(6_000_000)))).toBeInstanceOf(LimitExceeded);
    refused.open();
    expect(await idsOf([small])).toEqual(['"small"']);
  });
});

describe("a stream of pushes that ends", () => {
  it("has its batches repeated on another, under the same request ids", async () => {
    const seen: Batch[] = [];
    const store = async (talk: PushTalk): Promise<void> => {
      await storeAll(talk);
      seen.push(...talk.batches);
    };
    server.scriptPushes(async (talk) => {
      seen.push(await talk.batch(), await talk.batch());
      throw new Break({ code: status.UNAVAILABLE, reason: "SHUTTING_DOWN" });
    }, store);
    expect(await idsOf([push("a"), push("b")])).toEqual(['"a"', '"b"']);
    await client.close();
    await server.played();
    const requestIds = (batches: Batch[]): string[] => batches.map(({ request }) => request.requestId).sort();
    expect(seen.length).toBe(4);
    expect(requestIds(seen.slice(2))).toEqual(requestIds(seen.slice(0, 2)));
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2]);
  });

  it("leaves the outcome of a batch unknown, whatever its status", async () => {
    await client.close();
    client = connect({ retry: false });
    const endings = [
      { code: status.UNAVAILABLE, reason: "SHUTTING_DOWN" },
      { code: status.INVALID_ARGUMENT, reason: "INVALID_FIELD" },
      undefined,
    ];
    for (const ending of endings) {
      server.scriptPushes(async (talk) => {
        await talk.batch();
        if (ending !== undefined) {
          throw new Break(ending);
        }
      });
      const error = await failure(push("a"));
      expect(error.outcomeUnknown, error.message).toBe(true);
      expect(error.reason).toBe(ending?.reason ?? "");
    }
  });

  it("costs nothing while it is idle: the next push opens another", async () => {
    await client.close();
    client = connect({ retry: false });
    const once = async (talk: PushTalk): Promise<void> => talk.store(await talk.batch());
    server.scriptPushes(once, once, once);
    for (const payload of ["a", "b", "c"]) {
      expect(await idsOf([push(payload)])).toEqual([JSON.stringify(payload)]);
      // Its answer comes after the end of the stream.
      await client.serverInfo();
    }
    expect(server.pushStreams).toBe(3);
  });
});

describe("an attempt whose time is over", () => {
  it("keeps the stream of the others when a caller is in a hurry", async () => {
    server.scriptPushes(async (talk) => {
      talk.store(await talk.batch());
      await talk.batch();
      await storeAll(talk);
    });
    await push("first");
    expect(await failure(push("hasty", { timeoutMs: 200 }))).toBeInstanceOf(DeadlineExceeded);
    expect(await idsOf([push("other")])).toEqual(['"other"']);
    expect(server.pushStreams).toBe(1);
  });

  it("gives up a stream that is silent, and the other batches are repeated", async () => {
    await client.close();
    client = connect({ retry: { initialDelay: 5, maxDelay: 20, attemptTimeout: 500 } });
    server.scriptPushes(async (talk) => {
      talk.store(await talk.batch());
      await talk.untilEnd();
    }, storeAll);
    await push("first");
    const patient = push("patient");
    const error = await failure(push("hasty", { timeoutMs: 300 }));
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error.outcomeUnknown).toBe(true);
    expect(await idsOf([patient])).toEqual(['"patient"']);
    expect(server.pushStreams).toBe(2);
  });

  it("leaves a stream alone on which others are answered", async () => {
    server.scriptPushes(async (talk) => {
      talk.store(await talk.batch());
      const late = await talk.batch();
      talk.store(await talk.batch());
      talk.store(late, await talk.batch());
      await talk.untilEnd();
    });
    await push("first");
    const hasty = failure(push("hasty", { timeoutMs: 2_500 }));
    expect(await idsOf([push("other")])).toEqual(['"other"']);
    expect(await hasty).toBeInstanceOf(DeadlineExceeded);
    expect(await idsOf([push("next")])).toEqual(['"next"']);
    expect(server.pushStreams).toBe(1);
  });
});

describe("a caller that goes away", () => {
  it("takes a batch that was not written along, and nothing else", async () => {
    const resume = new Gate();
    server.scriptPushes(async (talk) => {
      talk.pause();
      await resume.passed;
      talk.resume();
      await storeAll(talk);
    });
    const large = "x".repeat(300_000);
    const abort = new AbortController();
    const leaving = 38;
    const pushes = Array.from({ length: 40 }, (_, number) =>
      push(`${number} ${large}`, number === leaving ? { signal: abort.signal } : {}),
    );
    await eventually("the pushes have begun", () => server.pushStreams === 1);
    abort.abort(new Error("given up"));
    await expect(pushes.splice(leaving, 1)[0]).rejects.toThrow("given up");
    resume.open();
    const stored = (await idsOf(pushes)).map((id) => Number.parseInt(id.slice(1), 10));
    expect(stored).toEqual(Array.from({ length: 40 }, (_, number) => number).filter((number) => number !== leaving));
    expect(server.pushStreams).toBe(1);
  });

  it("is no longer waited for when its batch was written", async () => {
    const arrived = new Gate();
    server.scriptPushes(async (talk) => {
      const left = await talk.batch();
      arrived.open();
      const next = await talk.batch();
      talk.store(left, next);
      await talk.untilEnd();
    });
    const abort = new AbortController();
    const left = push("left", { signal: abort.signal });
    await arrived.passed;
    abort.abort(new Error("given up"));
    await expect(left).rejects.toThrow("given up");
    expect(await idsOf([push("next")])).toEqual(['"next"']);
    expect(server.pushStreams).toBe(1);
  });

  it("leaves no listener on its signal", async () => {
    const { signal } = new AbortController();
    await push("a", { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

it("ends with the client, and so does a push under way", async () => {
  const arrived = new Gate();
  const ended = new Gate();
  server.scriptPushes(async (talk) => {
    await talk.batch();
    arrived.open();
    await talk.untilEnd();
    ended.open();
  });
  const pushing = failure(push("a"));
  await arrived.passed;
  await client.close();
  const error = await pushing;
  expect(error).toBeInstanceOf(ClientClosed);
  expect(error.outcomeUnknown).toBe(true);
  await ended.passed;
});
