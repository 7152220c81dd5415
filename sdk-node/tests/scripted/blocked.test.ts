// A worker whose handler blocks the event loop: what its session says meanwhile. It lives in a process of its own, because
// this one plays the server.
import { afterEach, beforeEach, expect, it } from "vitest";
import type { OpenSession } from "../../src/gen/rockqueue/v1/work_service.js";
import { blockingWorker } from "../support/blocking-worker.js";
import { eventually, Gate } from "../support/eventually.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { delivery } from "../support/talk.js";

let server: ScriptedServer;

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(() => {
  server.close();
});

/** Resolves once the script says so, or has failed. */
async function told(done: Gate): Promise<void> {
  await eventually("the script got this far", () => done.isOpen || server.failures.length > 0);
}

it("heartbeats go on while a handler blocks the event loop", async () => {
  const done = new Gate();
  let beats = 0;
  server.script(async (talk) => {
    await talk.opened("s-1", { intervalMs: 50 });
    await talk.expect("credits");
    talk.deliver(delivery(1));
    await talk.expect("reports");
    const before = talk.heartbeats;
    await talk.settlements();
    beats = talk.heartbeats - before;
    done.open();
    await talk.drained();
  });
  await using child = blockingWorker(server.url, 800);
  await told(done);
  await child.stop();
  await server.played();
  expect(beats).toBeGreaterThanOrEqual(6);
  expect(server.streams).toBe(1);
});

it("a handler that blocks the event loop is named in heartbeats", async () => {
  const done = new Gate();
  let opened: OpenSession | undefined;
  server.script(async (talk) => {
    opened = await talk.opened("s-1", { intervalMs: 100 });
    await talk.expect("credits");
    talk.deliver(delivery(1));
    await talk.expect("reports");
    await talk.settlements();
    const blocked = talk.beats.filter(({ stuckLeases }) => stuckLeases.length > 0);
    expect(blocked.map(({ stuckLeases }) => stuckLeases.map((lease) => Buffer.from(lease).toString()))).toContainEqual([
      "t1",
    ]);
    expect(Math.max(...blocked.map(({ loopLag }) => loopLag?.seconds ?? 0))).toBeGreaterThanOrEqual(1);
    done.open();
    await talk.drained();
  });
  await using child = blockingWorker(server.url, 2_500, 500);
  await told(done);
  await child.stop();
  await server.played();
  expect(opened?.pid).toBe(child.process.pid);
  expect(opened?.host).not.toBe("");
});
