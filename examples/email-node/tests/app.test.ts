// The web app with its queue and a real mail server on loopback.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { RockQueueServer } from "rockqueue/testing";
import type { SmtpSink } from "../demo/smtp-sink.ts";
import { createApp } from "../src/app.ts";
import { QUEUE } from "../src/mails.ts";
import { mailWorker } from "../src/worker.ts";
import { Ending, type Mail, makeStore, openPostOffice, Shop } from "./shop.ts";

const NOBODY = "0193f5a0-0000-7000-8000-000000000000";
// Longer than any pause before a retry here, shorter than the lease of a mail that is being sent.
const A_WHILE = 5000;

const closing = new Ending({ after });
let sink: SmtpSink;
let shop: Shop;

before(async () => {
  sink = await openPostOffice(closing);
  shop = await Shop.open(closing, await makeStore(closing));
});

test("a signup is acknowledged and its mail arrives", async () => {
  const id = await shop.askFor("signup");
  assert.deepEqual(await shop.until(id, "COMPLETED"), {
    job_id: id,
    name: "welcome-email",
    state: "COMPLETED",
    attempt: 1,
    failures: 0,
    last_error: null,
  });
  assert.deepEqual(
    sink.arrivals.filter((mail) => mail.jobId === id),
    [
      {
        jobId: id,
        attempt: 1,
        messageId: `<${id}@shop.example>`,
        recipient: "ann@mail.example",
        subject: "Welcome",
      },
    ],
  );
});

test("a mail that is refused for good goes to the dead letters at once", async () => {
  sink.unknown = "bob@mail.example";
  const id = await shop.askFor("signup", "bob@mail.example");
  const mail = await shop.until(id, "DEAD");
  assert.equal(mail.failures, 1);
  assert.match(mail.last_error ?? "", /^550 /);
});

test("only a dead letter can be sent again, and nobody's mail is not found", async () => {
  const id = await shop.askFor("signup");
  await shop.until(id, "COMPLETED");
  const early = await shop.post(`/jobs/${id}/retry`);
  assert.equal(early.statusCode, 409);
  assert.deepEqual(early.json(), { detail: "only a mail of the dead letters can be sent again" });
  for (const response of [await shop.post(`/jobs/${NOBODY}/retry`), await shop.app.inject(`/jobs/${NOBODY}`)]) {
    assert.deepEqual([response.statusCode, response.json()], [404, { detail: "no mail has this id" }]);
  }
  assert.equal((await shop.app.inject("/jobs/nonsense")).statusCode, 422);
});

test("a malformed address queues nothing", async () => {
  const pushed = sink.arrivals.length;
  const tooLong = `${"a".repeat(250)}@m.example`;
  for (const body of [{}, { email: "ann" }, { email: "a b@mail.example" }, { email: tooLong }, { email: ["a@b"] }]) {
    for (const path of ["/signup", "/reset-password"]) {
      assert.equal((await shop.post(path, body)).statusCode, 422, JSON.stringify(body));
    }
  }
  const headers = { "content-type": "application/json" };
  const cut = await shop.app.inject({ method: "POST", url: "/signup", headers, payload: '{"email":' });
  assert.equal(cut.statusCode, 422);
  const { waiting, delayed, active } = await shop.figures();
  assert.deepEqual([waiting + delayed + active, sink.arrivals.length], [0, pushed]);
});

test("an acknowledged mail is still there after a restart, and a reset overtakes it", async (t) => {
  const ending = new Ending(t);
  const url = await makeStore(ending);
  const first = await Shop.open(ending, url);
  assert.deepEqual(new Set(Object.values(await first.figures())), new Set([0]), "stats of an empty queue are zero");
  await first.until(await first.askFor("signup"), "COMPLETED");
  await first.app.rockqueue.queues.pause(QUEUE);
  const welcome = [await first.askFor("signup"), await first.askFor("signup")];
  const reset = await first.askFor("reset-password");
  await first.app.close();

  const second = await Shop.open(ending, url);
  const { waiting, completed, oldest_age_s: age } = await second.figures();
  assert.deepEqual([waiting, completed], [3, 1]);
  assert.ok(age > 0 && age < 60, `oldest_age_s is ${age}`);
  const inOrder = [];
  for await (const job of second.app.rockqueue.list({ queue: QUEUE, state: "WAITING" })) {
    inOrder.push(job.id);
  }
  assert.deepEqual(inOrder, [reset, ...welcome], "a listing of waiting jobs is in the order of delivery");
  await second.app.rockqueue.queues.resume(QUEUE);
  for (const id of inOrder) {
    await second.until(id, "COMPLETED");
  }
});

test("a refused mail is tried again, then a dead letter, and can be sent again", async (t) => {
  const ending = new Ending(t);
  sink.share = 1;
  ending.defer(async () => {
    sink.share = 0;
  });
  const server = await RockQueueServer.start();
  ending.defer(() => server.close());
  const shop = await Shop.open(ending, server.url);
  const worker = await mailWorker(server.client(), { url: server.url }).start();
  ending.defer(() => worker.stop());

  const welcome = await shop.askFor("signup");
  const reset = await shop.askFor("reset-password");
  for (const id of [welcome, reset]) {
    while ((await shop.until(id, "DELAYED", "DEAD")).state === "DELAYED") {
      await server.advance(A_WHILE);
    }
  }
  const letters = await shop.get<Mail[]>("/dead-letters");
  const failures = Object.fromEntries(letters.map((letter) => [letter.job_id, letter.failures]));
  assert.deepEqual(failures, { [welcome]: 3, [reset]: 5 }, "resets are tried more often");
  assert.match(letters[0]?.last_error ?? "", /Try again later/);

  sink.share = 0;
  const again = await shop.post(`/jobs/${welcome}/retry`);
  assert.deepEqual([again.statusCode, again.json()], [202, { job_id: welcome }]);
  await shop.until(welcome, "COMPLETED");
  const arrived = sink.arrivals.filter((mail) => [welcome, reset].includes(mail.jobId));
  assert.deepEqual(
    arrived.map((mail) => [mail.jobId, mail.attempt]),
    [[welcome, 4]],
  );
});

test("without a queue server nothing is acknowledged", async (t) => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, "close");

  const app = await createApp({ url: `rockqueue://127.0.0.1:${port}` }, 500);
  t.after(() => app.close());
  const response = await app.inject({ method: "POST", url: "/signup", payload: { email: "ann@mail.example" } });
  assert.deepEqual([response.statusCode, response.headers["retry-after"]], [503, "1"]);
});
