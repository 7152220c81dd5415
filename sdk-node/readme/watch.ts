import { Client } from "rockqueue";
import { URL } from "./jobs.ts";

const client = new Client(URL);
for await (const event of client.events({ queues: ["mail"], beginning: true })) {
  console.log(event.type, event.name, event.attempt);
  if (event.type === "JOB_DEAD") {
    break;
  }
}
const { counts } = await client.queues.get("mail");
console.log("waiting:", counts.waiting, "completed:", counts.completed);
await client.close();
