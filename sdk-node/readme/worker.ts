import { Client, Worker } from "rockqueue";
import { sendWelcome, URL } from "./jobs.ts";

const client = new Client(URL);
const worker = new Worker(client, { jobs: [sendWelcome], concurrency: 20 });
await worker.run(); // until SIGTERM or Ctrl-C
await client.close();
