import { Client } from "rockqueue";
import { URL } from "./jobs.ts";

const client = new Client(URL);
for await (const { name, state, active, loopLag, stuckJobIds } of client.workers({ queue: "mail" })) {
  console.log(name, state, active, loopLag, stuckJobIds);
}
console.log("all workers listed");
await client.close();
