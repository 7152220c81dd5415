import { Client, chain, defineJob, Flow, join, Worker } from "rockqueue";
import { URL } from "./jobs.ts";

const render = defineJob<{ day: string }, string>({ name: "render", queue: "digest" });
const send = defineJob<{ to: string }, string>({ name: "send", queue: "digest" });
const report = defineJob<null, number>({ name: "report", queue: "digest" });

const client = new Client(URL);
const mails = ["ada@example.com", "bob@example.com"].map((to) => send.new({ to }));
const flow = new Flow("digest");
flow.add(chain(render.new({ day: "Monday" }), join(mails, report.new(null))));
const { id, jobIds } = await client.flows.push(flow); // all of it, or nothing

const worker = new Worker(client, {
  jobs: [
    render.handle(({ day }) => `News of ${day}`),
    send.handle(async ({ to }, ctx) => `${(await ctx.parents()).get("render")?.result} to ${to}`),
    report.handle(async (_, ctx) => (await ctx.parents()).size),
  ],
});
await worker.start();
const { state, completed } = await client.flows.wait(id, { timeoutMs: 30_000 });
console.log(state, completed, "mails sent:", await report.result(client, jobIds.get("report") ?? ""));
await worker.stop();
await client.close();
