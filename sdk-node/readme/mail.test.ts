import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { sendWelcome, welcomeEmail } from "./jobs.ts";

test("it is sent tomorrow", async () => {
  const server = await RockQueueServer.start();
  const client = server.client();
  const day = 86_400_000;

  const job = await welcomeEmail.options({ delay: day }).push(client, { to: "ada@example.com" });
  await server.advance(day);
  const worker = await new Worker(client, { jobs: [sendWelcome] }).start();
  assert.equal(await welcomeEmail.result(client, job.id, { timeoutMs: 10_000 }), "sent to ada@example.com");

  await worker.stop();
  await server.close();
});
