import { Client } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);
await client.queues.update("mail", { maxActive: 50, rate: { count: 100, period: 1_000 }, groupMaxActive: 5 });
await client.queues.updateGroup("mail", "tenant-7", { weight: 3 });

const job = await welcomeEmail.options({ group: "tenant-7" }).push(client, { to: "tess@example.com" });
for (const { kind, message } of (await client.explain(job.id)).reasons) {
  console.log("why it waits:", kind, message);
}
await client.close();
