import { Client, type Middleware, Worker } from "rockqueue";
import { sendWelcome, URL, welcomeEmail } from "./jobs.ts";

const timing: Middleware = {
  push: (jobs, next) => next(jobs.map((job) => ({ ...job, tags: ["timed"] }))),
  async handle(ctx, next) {
    const begun = performance.now();
    try {
      return await next();
    } finally {
      console.log(`${ctx.name}: attempt ${ctx.attempt} took ${(performance.now() - begun).toFixed(1)} ms`);
    }
  },
};

const client = new Client(URL, { middleware: [timing] });
const job = await welcomeEmail.push(client, { to: "ada@example.com" });
const worker = await new Worker(client, { jobs: [sendWelcome] }).start();
console.log(await welcomeEmail.result(client, job.id, { timeoutMs: 10_000 }));
await worker.stop();
await client.close();
