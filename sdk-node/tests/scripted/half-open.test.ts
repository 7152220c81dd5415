import { once } from "node:events";
import { Client, type ClientOptions, DeadlineExceeded, Worker } from "rockqueue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Event as EventMessage } from "../../src/gen/rockqueue/v1/event_service.js";
import { runModule } from "../support/blocking-worker.js";
import { eventually, Gate } from "../support/eventually.js";
import { Network } from "../support/network.js";
import { LOST, ScriptedServer } from "../support/scripted-server.js";
import { delivery, leaseOf, type Talk } from "../support/talk.js";

// Keepalive notices a dead connection too, after 30 to 40 s.
const BEFORE_KEEPALIVE_MS = 20_000;
const HEARTBEAT_MS = 500;
const ATTEMPT_MS = 1_000;

let server: ScriptedServer;
let network: Network;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  network = await Network.to(server.port);
  client = connect({ retry: { initialDelay: 5, maxDelay: 20, attemptTimeout: ATTEMPT_MS } });
});

afterEach(async () => {
  await client.close();
  await eventually("no connection is left", () => network.held() === 0);
  await network.close();
  await server.played();
  server.close();
});

const connect = (options: ClientOptions): Client => new Client(network.url, { logger: false, ...options });
const onlyTheNewIsLeft = (): Promise<void> =>
  eventually("the old connection is closed", () => network.held() === 1 && network.accepted === 2);

/** A session that waits for jobs when its connection dies. */
const dying =
  (ready: Gate) =>
  async (talk: Talk): Promise<void> => {
    await talk.opened("s-1", { intervalMs: HEARTBEAT_MS });
    await talk.creditsOf(2);
    ready.open();
    await talk.untilEnd();
  };

describe.each([true, false])("a worker whose connection is dead (session in its own thread: %s)", (sessionThread) => {
  it("goes on over a new one, and closes the old one", async () => {
    const [ready, done] = [new Gate(), new Gate()];
    let sessionId = "";
    server.script(dying(ready), async (talk) => {
      sessionId = (await talk.opened("s-1", { resumed: true })).sessionId;
      await talk.creditsOf(2);
      talk.deliver(delivery(1));
      expect((await talk.settlements()).map(leaseOf)).toEqual(["t1"]);
      done.open();
      await talk.drained();
    });
    const options = { handlers: { work: async () => undefined }, queues: ["q"], concurrency: 1, sessionThread };
    const worker = await new Worker(client, options).start();
    await ready.passed;
    network.swallow();
    const begun = performance.now();
    await eventually("the next job is done", () => done.isOpen || server.failures.length > 0);
    expect(performance.now() - begun).toBeLessThan(BEFORE_KEEPALIVE_MS);
    expect(sessionId).toBe("s-1");
    await onlyTheNewIsLeft();
    await worker.stop();
    expect(network.accepted).toBe(2);
  });
});

describe("a client whose connection is dead", () => {
  it("has a push answered over a new one, by the second attempt", async () => {
    await client.push("q", "n", "sound");
    network.swallow();
    await client.push("q", "n", "after");
    expect(server.of("PushJobs").length).toBe(2);
    expect(server.pushStreams).toBe(2);
    await onlyTheNewIsLeft();
  });

  it("has a call answered over a new one, by the second attempt", async () => {
    await client.serverInfo();
    network.swallow();
    const begun = performance.now();
    await client.serverInfo();
    expect(performance.now() - begun).toBeLessThan(BEFORE_KEEPALIVE_MS);
    expect(server.of("GetServerInfo").length).toBe(2);
    await onlyTheNewIsLeft();
  });

  it("opens one for all that noticed", async () => {
    await client.push("q", "n");
    network.swallow();
    const pushes = Array.from({ length: 20 }, (_, number) =>
      client.pushMany([{ queue: "q", name: "n", payload: number }]),
    );
    const calls = Array.from({ length: 20 }, () => client.serverInfo());
    await Promise.all([...pushes, ...calls]);
    await onlyTheNewIsLeft();
  });

  it("has another one after each silence", async () => {
    for (let silences = 1; silences <= 2; silences += 1) {
      await client.serverInfo();
      network.swallow();
      await client.serverInfo();
      expect(network.accepted).toBe(silences + 1);
    }
    await eventually("the old connections are closed", () => network.held() === 1);
  });

  it("notices by many callers in a hurry, none of whom waits for long", async () => {
    await client.serverInfo();
    network.swallow();
    const begun = performance.now();
    await eventually("a call is answered", () =>
      client.serverInfo({ timeoutMs: 300 }).then(
        () => true,
        () => false,
      ),
    );
    expect(performance.now() - begun).toBeLessThan(BEFORE_KEEPALIVE_MS);
    await onlyTheNewIsLeft();
  });

  it("closes it without having noticed", async () => {
    await client.push("q", "n");
    network.swallow();
    await client.close();
    await eventually("no connection is left", () => network.held() === 0);
    expect(network.accepted).toBe(1);
  });

  it("leaves nothing behind that keeps a program running", async () => {
    const program = `
      import { Client } from ${JSON.stringify(new URL("../../dist/esm/index.js", import.meta.url).href)};
      const client = new Client(process.argv.at(-1), { logger: false, retry: { attemptTimeout: ${ATTEMPT_MS} } });
      await client.push("q", "n");
      await new Promise((resolve) => {
        const waiting = setInterval(() => undefined, 1_000);
        process.once("SIGUSR2", () => resolve(clearInterval(waiting)));
        process.stdout.write("pushed");
      });
      await Promise.all([client.push("q", "n"), client.serverInfo()]);
    `;
    await using child = runModule(program, [network.url]);
    const ended = once(child.process, "exit");
    await once(child.process.stdout as NodeJS.ReadableStream, "data");
    network.swallow();
    child.process.kill("SIGUSR2");
    expect(await ended).toEqual([0, null]);
    expect(network.accepted).toBe(2);
  });
});

describe("a connection that is not dead", () => {
  it("is kept when one call is slow and others are answered", async () => {
    await client.close();
    client = connect({ retry: false, timeoutMs: ATTEMPT_MS });
    server.answer("GetJob", LOST);
    let error: unknown;
    const slow = client.get("job-1").catch((thrown: unknown) => {
      error = thrown;
    });
    await eventually("the slow call has failed", async () => {
      await client.serverInfo();
      return error !== undefined;
    });
    await slow;
    expect(error).toBeInstanceOf(DeadlineExceeded);
    await client.serverInfo();
    expect(network.accepted).toBe(1);
  });

  it("is kept when a caller alone is in a hurry", async () => {
    server.answer("GetJob", LOST);
    await expect(client.get("job-1", { timeoutMs: 50 })).rejects.toBeInstanceOf(DeadlineExceeded);
    await client.serverInfo();
    expect(network.accepted).toBe(1);
  });

  it("is left to the event stream on it when pushes are silent there", async () => {
    const replaced = new Gate();
    const event = { events: [EventMessage.fromPartial({ cursor: "1", type: 1, jobId: "job-1" })], cursor: "1" };
    server.watches.push([{ events: [], cursor: "0" }, replaced.passed.then(() => event)]);
    server.scriptPushes((talk) => talk.untilEnd());
    const events = await client.events().start();
    await client.push("q", "n");
    expect([network.accepted, network.held()]).toEqual([2, 2]);
    replaced.open();
    expect((await events.next()).value?.cursor).toBe("1");
    expect(server.of("WatchEvents").length).toBe(1);
    await events.close();
    await onlyTheNewIsLeft();
  });
});
