import { Client, defineJob, Worker } from "rockqueue";
import { z } from "zod";
import { URL } from "./jobs.ts";

const bill = defineJob({
  name: "bill",
  queue: "billing",
  input: z.object({
    order: z.object({ number: z.number(), placed: z.iso.datetime() }),
    discount: z.number().default(0),
  }),
  output: z.object({ total: z.number() }),
});

const client = new Client(URL);
const worker = new Worker(client, { jobs: [bill.handle(({ discount }) => ({ total: 100 - discount }))] });
await worker.start();

const job = await bill.push(client, { order: { number: 7, placed: new Date().toISOString() }, discount: 10 });
const { total } = await bill.result(client, job.id, { timeoutMs: 10_000 }); // a number, also for your editor
console.log("order 7 costs", total);

const wrong = await client.push("billing", "bill", { order: { number: "seven" } });
console.log((await client.wait(wrong.id, { timeoutMs: 10_000 })).errors[0]?.message);

await worker.stop();
await client.close();
