// Shrinks pictures until this process is asked to end. ROCKQUEUE_URL says where the queue is.
import { Client, Worker } from "rockqueue";
import { resize } from "./resize.ts";

await using client = new Client();
const worker = new Worker(client, {
  name: "node",
  jobs: [resize],
  concurrency: 2,
  prefetch: 0,
  // What a worker held that is gone goes to another one after a second.
  resumeGrace: 1000,
});
await worker.run();
