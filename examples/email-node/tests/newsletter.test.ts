// The newsletter and the digest, on an embedded queue with a real mail server on loopback.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import type { SmtpSink } from "../demo/smtp-sink.ts";
import { DIGEST } from "../src/newsletter.ts";
import { Ending, makeStore, openPostOffice, Shop } from "./shop.ts";

const READERS = ["reader-0@mail.example", "reader-1@mail.example", "reader-2@mail.example"];
const KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const PATIENCE = { timeoutMs: 20_000 };

const closing = new Ending({ after });
let sink: SmtpSink;
let shop: Shop;

before(async () => {
  process.env.WEBHOOK_SECRET = `whsec_${KEY}`;
  sink = await openPostOffice(closing);
  shop = await Shop.open(closing, await makeStore(closing));
});

const recipients = (): string[] => sink.arrivals.map(({ recipient }) => recipient);

test("a newsletter is rendered, sent to all, and reported", async () => {
  const editor = "editor@shop.example";
  const response = await shop.post("/newsletter", { subject: "Spring", readers: READERS, editor });
  assert.equal(response.statusCode, 202, response.body);
  const { flow_id: id } = response.json<{ flow_id: string }>();
  const { flows } = shop.app.rockqueue;
  await flows.wait(id, PATIENCE);
  const progress = { flow_id: id, state: "COMPLETED", completed: 5, of: 5 };
  assert.deepEqual(await shop.get(`/newsletter/${id}`), progress);
  assert.deepEqual(recipients().slice(0, 3).sort(), READERS);
  assert.deepEqual(recipients().slice(3), [editor]);
  const { jobs } = await flows.get(id);
  const last = jobs.at(-1)?.jobId ?? "";
  assert.equal(await shop.app.rockqueue.result(last, PATIENCE), "3 of 3 copies were sent");
});

test("the digest has its slots, and comes at once when it is asked for", async () => {
  const payload = { email: "ann@mail.example", time_zone: "Europe/London" };
  const put = await shop.app.inject({ method: "PUT", url: "/digest", payload });
  const { slots } = put.json<{ slots: string[] }>();
  assert.equal(slots.length, 3);
  assert.ok(slots.every((slot) => new Date(slot).getTime() > Date.now()));
  const { job_id: id } = (await shop.post("/digest/now")).json<{ job_id: string }>();
  const job = await shop.app.rockqueue.wait(id, PATIENCE);
  assert.deepEqual([job.state, job.origin?.schedule], ["COMPLETED", DIGEST]);
  assert.equal(recipients().at(-1), "ann@mail.example");
});

test("what there is not is not found", async () => {
  const nothing = "01890000-0000-7000-8000-000000000000";
  assert.equal((await shop.app.inject(`/newsletter/${nothing}`)).statusCode, 404);
});

test("a webhook is taken, and a forged one is not", async () => {
  const payload = '{"type":"job.dead","timestamp":"2026-11-22T11:00:00Z","data":{"job_id":"j-1"}}';
  const seconds = Math.floor(Date.now() / 1000);
  const hmac = createHmac("sha256", Buffer.from(KEY, "base64")).update(`msg_1.${seconds}.${payload}`);
  const headers = {
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${hmac.digest("base64")}`,
  };
  const taken = await shop.app.inject({ method: "POST", url: "/hook", headers, payload });
  assert.deepEqual([taken.statusCode, taken.json()], [200, { took: "job.dead" }]);
  const forged = await shop.app.inject({ method: "POST", url: "/hook", headers, payload: payload.replace("1", "2") });
  assert.equal(forged.statusCode, 400);
});
