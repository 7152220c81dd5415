import { Client, Worker } from "rockqueue";
import { sendWelcome, URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);
const job = await welcomeEmail.push(client, { to: "ada@example.com" });
const worker = await new Worker(client, { jobs: [sendWelcome], name: "mail-1", stuckAfter: 60_000 }).start();
await client.wait(job.id, { timeoutMs: 10_000 });
for await (const { name, state, host, stuckJobIds } of client.workers({ queue: "mail" })) {
  console.log(name, state, "on", host, "- stuck:", stuckJobIds);
}
await worker.stop();
await client.close();
