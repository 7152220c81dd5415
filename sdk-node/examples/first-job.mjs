// Queues a job in files of this program's own, and works it.
import { Client, defineJob, Worker } from "rockqueue";

const greet = defineJob({ name: "greet", queue: "mail" });
const sayHello = greet.handle(async ({ name }, ctx) => {
  console.log(`Hello, ${name}! This is attempt ${ctx.attempt}.`);
});

const client = new Client("embedded:./jobs.db");
const pushed = await greet.push(client, { name: "Ada" }); // on disk when this returns: a crash does not lose it
const worker = new Worker(client, { jobs: [sayHello] });
await worker.start();
const job = await client.wait(pushed.id);
console.log(job.state);
await worker.stop();
await client.close();
