import { Client } from "rockqueue";
import { URL } from "./jobs.ts";

const client = new Client(URL);
const hook = await client.webhooks.put("mail", {
  url: "https://example.com/hook",
  queues: ["mail"],
  types: ["JOB_COMPLETED", "JOB_DEAD"],
});
console.log("keep this secret:", hook.secret);
for await (const { state, attempts } of client.webhooks.deliveries("mail")) {
  console.log(state, attempts);
}
await client.close();
