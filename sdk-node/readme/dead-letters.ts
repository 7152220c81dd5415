import { Client } from "rockqueue";
import { URL } from "./jobs.ts";

const client = new Client(URL);
for await (const job of client.list({ queue: "mail", state: "DEAD", includePayload: true })) {
  console.log("dead:", job.payload, job.deadReason, job.errors.at(-1)?.message);
}
console.log("put back:", await client.retryAll({ queue: "mail", state: "DEAD" }));
await client.close();
