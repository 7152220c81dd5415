// Tenants and their turns, on a queue server; the mails stay with the worker until the test lets them go.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { pipeline } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { createApp } from "../src/app.ts";
import { QUEUE, welcomeEmail } from "../src/mails.ts";
import { mailWorker } from "../src/worker.ts";
import { Ending, openPostOffice, Shop } from "./shop.ts";

const NOBODY = "0193f5a0-0000-7000-8000-000000000000";
const ANN = "ann@mail.example";
const PATIENCE_MS = 15_000;

interface Why {
  state: string;
  reasons: { kind: string; message: string }[];
}

interface Listed {
  workers: { name: string; state: string; active: number; stuck: string[] }[];
}

/** Where the mails wait until the test opens it. */
class Gate {
  open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

const closing = new Ending({ after });
let server: RockQueueServer;
let client: Client;
let shop: Shop;

before(async () => {
  await openPostOffice(closing);
  server = await RockQueueServer.start();
  closing.defer(() => server.close());
  client = server.client();
  shop = await Shop.open(closing, server.url);
});

const why = (id: string): Promise<Why> => shop.get(`/mails/${id}/why`);
const kinds = async (id: string): Promise<string[]> => (await why(id)).reasons.map(({ kind }) => kind);
const cancel = (query: string) => shop.app.inject({ method: "DELETE", url: `/mails${query}` });

/** Asks for so many mails of a tenant, one after the other. */
async function newsletterOf(tenant: string, size: number): Promise<string[]> {
  const ids = [];
  for (let nth = 0; nth < size; nth += 1) {
    ids.push(await shop.askFor("signup", ANN, tenant));
  }
  return ids;
}

/** Listens on loopback, and resolves to the port. */
async function listen(way: Server, port: number): Promise<number> {
  await once(way.listen(port, "127.0.0.1"), "listening");
  return (way.address() as AddressInfo).port;
}

async function shut(way: Server): Promise<void> {
  await once(way.close(), "close");
}

/** Waits for the limit of a tenant: the app sets it when it starts, and does not wait for that. */
async function limited(): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    if ((await client.queues.get(QUEUE)).settings.groupMaxActive === 5) {
      return;
    }
    assert.ok(Date.now() < deadline, `no limit within ${PATIENCE_MS} ms`);
  }
}

/** Asks for the only worker until it is as wanted. */
async function workerThat(is: (worker: Listed["workers"][number]) => boolean): Promise<Listed["workers"][number]> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    const { workers } = await shop.get<Listed>("/workers");
    const [worker] = workers;
    if (worker !== undefined && is(worker)) {
      assert.equal(workers.length, 1);
      return worker;
    }
    assert.ok(Date.now() < deadline, `not as wanted within ${PATIENCE_MS} ms: ${JSON.stringify(workers)}`);
  }
}

test("a mail belongs to the group of its tenant, and without a tenant to none", async () => {
  const ids = [
    await shop.askFor("signup", ANN, "acme"),
    await shop.askFor("reset-password", ANN, "acme"),
    await shop.askFor("signup"),
  ];
  const groups = await Promise.all(ids.map(async (id) => (await client.get(id)).group));
  assert.deepEqual(groups, ["acme", "acme", ""]);
  await client.deleteAll({ queue: QUEUE });
});

test("a tenant that cannot be is refused", async () => {
  const pushed = await shop.figures();
  for (const tenant of ["", "x".repeat(65), "a\nb", 7]) {
    for (const path of ["/signup", "/reset-password"]) {
      assert.equal((await shop.post(path, { email: ANN, tenant })).statusCode, 422, JSON.stringify(tenant));
    }
  }
  assert.deepEqual(await shop.figures(), pushed);
  await shop.askFor("signup", ANN, "\u{1F4EE}".repeat(64));
  assert.equal((await shop.post("/signup", { email: ANN, tenant: null })).statusCode, 202);
  await client.deleteAll({ queue: QUEUE });
});

test("a mail that no worker takes says why", async () => {
  assert.deepEqual(await shop.get("/workers"), { workers: [] });
  const id = await shop.askFor("signup");
  const { state, reasons } = await why(id);
  assert.deepEqual([state, reasons.length, reasons[0]?.kind], ["WAITING", 1, "NO_WORKER"]);
  assert.match(reasons[0]?.message ?? "", /no worker is connected to queue mail/);
  await client.cancel(id);
  assert.equal((await why(id)).state, "CANCELLED");
});

test("nobody's mail has no reasons", async () => {
  const response = await shop.app.inject(`/mails/${NOBODY}/why`);
  assert.deepEqual([response.statusCode, response.json()], [404, { detail: "no mail has this id" }]);
  assert.equal((await shop.app.inject("/mails/nonsense/why")).statusCode, 422);
});

test("the newsletter of one tenant does not keep the others waiting", async (t) => {
  const ending = new Ending(t);
  const gate = new Gate();
  const newsletter = await newsletterOf("big", 7);
  const others = [await shop.askFor("signup", ANN, "small"), await shop.askFor("signup")];
  await limited();
  const jobs = [welcomeEmail.handle(() => gate.passed)];
  const worker = await new Worker(client, { jobs, concurrency: 10, prefetch: 0, stuckAfter: 0 }).start();
  ending.defer(() => worker.stop());
  ending.defer(async () => gate.open());

  assert.equal((await workerThat(({ active }) => active === 7)).state, "RUNNING");
  for (const id of [...newsletter.slice(0, 5), ...others]) {
    assert.deepEqual(await kinds(id), ["RUNNING"]);
  }
  for (const id of newsletter.slice(5)) {
    assert.equal((await kinds(id))[0], "GROUP_MAX_ACTIVE");
  }
  gate.open();
  for (const id of newsletter) {
    await shop.until(id, "COMPLETED");
  }
});

test("an app whose queue is away at the start sets the limit when it comes", async (t) => {
  const ending = new Ending(t);
  await client.queues.update(QUEUE, { reset: ["groupMaxActive"] });
  const way = createServer((near) => {
    const far = connect(new URL(server.url).pathname);
    pipeline(near, far, near, () => undefined);
  });
  const port = await listen(way, 0);
  await shut(way);
  const app = await createApp({ url: `rockqueue://127.0.0.1:${port}` }, 500);
  ending.defer(() => app.close());
  const early = await app.inject({ method: "POST", url: "/signup", payload: { email: ANN } });
  assert.equal(early.statusCode, 503);
  await listen(way, port);
  ending.defer(() => shut(way));
  await limited();
  await app.close();
});

test("the mails of a tenant are counted, then cancelled, and nobody else's are", async () => {
  const theirs = await newsletterOf("acme & sons", 3);
  const others = [await shop.askFor("signup", ANN, "acme"), await shop.askFor("signup")];
  const query = `?tenant=${encodeURIComponent("acme & sons")}`;
  const answers = [];
  for (const asked of [`${query}&dry_run=1`, query, query]) {
    answers.push((await cancel(asked)).json());
  }
  assert.deepEqual(answers, [
    { affected: 3, dry_run: true },
    { affected: 3, dry_run: false },
    { affected: 0, dry_run: false },
  ]);
  const states = await Promise.all([...theirs, ...others].map(async (id) => (await why(id)).state));
  assert.deepEqual(states, ["CANCELLED", "CANCELLED", "CANCELLED", "WAITING", "WAITING"]);
  await client.deleteAll({ queue: QUEUE });
});

test("without a tenant nothing is cancelled", async () => {
  const id = await shop.askFor("signup");
  for (const query of [
    "",
    "?dry_run=1",
    "?tenant=",
    "?tenant=a&tenant=b",
    "?tenant=a%0Ab",
    "?tenant=a&dry_run=perhaps",
  ]) {
    assert.equal((await cancel(query)).statusCode, 422, query);
  }
  assert.equal((await why(id)).state, "WAITING");
  await client.deleteAll({ queue: QUEUE });
});

test("workers are listed, with the mails that are stuck", async (t) => {
  const ending = new Ending(t);
  const real = await mailWorker(client, { url: server.url }).start();
  const idle = await workerThat(() => true);
  assert.deepEqual(idle, { name: real.name, state: "RUNNING", active: 0, stuck: [] });
  await real.stop();

  const gate = new Gate();
  const jobs = [welcomeEmail.handle(() => gate.passed)];
  const quiet = server.client({ logger: false });
  const worker = await new Worker(quiet, { jobs, name: "slow", lease: 1000, stuckAfter: 100 }).start();
  ending.defer(() => worker.stop());
  ending.defer(async () => gate.open());
  const id = await shop.askFor("signup");
  const slow = await workerThat(({ stuck }) => stuck.length > 0);
  assert.deepEqual(slow, { name: "slow", state: "RUNNING", active: 1, stuck: [id] });
});
