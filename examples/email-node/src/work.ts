// Sends the mails of a queue server until this process is asked to end; mails under way are finished first.
import { parseArgs } from "node:util";
import { Client } from "rockqueue";
import { QUEUE } from "./mails.ts";
import { mailWorker } from "./worker.ts";

const { values: options } = parseArgs({
  options: {
    server: { type: "string", default: "rockqueue://127.0.0.1:7655" },
    lease: { type: "string", default: "30" },
  },
});

await using client = new Client(options.server);
console.log(`sending the mails of queue ${QUEUE} at ${client.url}`);
await mailWorker(client, { url: client.url, leaseMs: Number(options.lease) * 1000 }).run();
