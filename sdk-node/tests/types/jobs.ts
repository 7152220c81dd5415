// What the compiler must accept, and what it must refuse. Checked by `make check`; nothing here runs.
import {
  type Client,
  chain,
  defineJob,
  Flow,
  type FlowNode,
  group,
  type Job,
  join,
  type PushedJob,
  type PutSchedule,
  Worker,
} from "rockqueue";
import { verifyWebhook } from "rockqueue/webhooks";
import { z } from "zod";

declare const client: Client;

const welcome = defineJob<{ to: string; name?: string }, string>({ name: "welcome", queue: "mail", maxAttempts: 3 });
const pushed: Promise<PushedJob> = welcome.push(client, { to: "ada@example.com" });
const result: Promise<string> = welcome.result(client, "id");
welcome.options({ priority: 1, delay: 1000 }).push(client, { to: "ada@example.com", name: "Ada" });
welcome.handle(async ({ to, name = "friend" }, ctx) => `${to} ${name} ${ctx.attempt}`);
// @ts-expect-error a field that the job does not have
welcome.push(client, { too: "ada@example.com" });
// @ts-expect-error a field is missing
welcome.push(client, {});
// @ts-expect-error an option that does not exist
welcome.options({ prioritee: 1 });
// @ts-expect-error the handler returns something else
welcome.handle(async () => 7);
// @ts-expect-error there is no such field in the payload
welcome.handle(async ({ subject }) => String(subject));

const schema = { input: z.object({ width: z.coerce.number().default(1) }), output: z.object({ url: z.string() }) };
const resize = defineJob({ name: "resize", ...schema });
resize.push(client, {});
resize.handle(({ width }) => ({ url: width.toFixed(0) }));
// @ts-expect-error the result does not fit its schema
resize.handle(() => ({ link: "x" }));
const url: Promise<{ url: string }> = resize.result(client, "id");

client.push("q", "n", { any: "thing" }, { unique: { key: "k", onConflict: "replace" } });
// @ts-expect-error a word that is none of the three
client.push("q", "n", null, { unique: { key: "k", onConflict: "overwrite" } });
// @ts-expect-error a moment is a Date
client.push("q", "n", null, { runTime: 1_700_000_000 });
// @ts-expect-error a job needs a name
client.push({ queue: "q" });

for await (const job of client.list({ state: "DEAD" })) {
  const id: string = job.id;
  const found: Job = job;
  void [id, found];
}
// @ts-expect-error a state that does not exist
client.list({ state: "LOST" });
for await (const event of client.events({ types: ["JOB_DEAD", "QUEUE_PAUSED"] })) {
  const attempt: number = event.attempt;
  void attempt;
}
// @ts-expect-error an event that does not exist
client.events({ types: ["JOB_LOST"] });

client.raw.pushJobs({ jobs: [{ queue: "q", start: { $case: "delay", value: { seconds: 1 } } }] });
// @ts-expect-error a field that the message does not have
client.raw.getJob({ id: "1" });

const daily: Promise<PutSchedule> = welcome.schedule(client, "s", { to: "ada@example.com" }, { cron: "@daily" });
// @ts-expect-error a field is missing in the payload
welcome.schedule(client, "s", {}, { cron: "@daily" });
// @ts-expect-error a policy that does not exist
client.schedules.preview({ cron: "@daily", overlap: "replace" });

const flow = new Flow("f", { onParentFailure: "cancel" });
const first: FlowNode = flow.add(welcome.new({ to: "a" }), { name: "first" });
const ends: FlowNode[] = flow.add(chain(group([resize.new({})], welcome.new({ to: "b" })), resize.new({})));
flow.add(join([], { job: resize.new({}), name: "last", onFailure: "ignore" }), { after: [first, ...ends, "first"] });
flow.add(resize.new({}), { after: [{ node: first, onFailure: "cascade" }, { jobId: "j" }] });
// @ts-expect-error a policy that does not exist
flow.add(resize.new({}), { after: first, onFailure: "retry" });
// @ts-expect-error several jobs have no one name
flow.add(chain(resize.new({})), { name: "all" });

const event = verifyWebhook("{}", new Headers(), ["whsec_AAAA"], { tolerance: 1000 });
const kind: string = event.type;
// @ts-expect-error a body that was parsed already
verifyWebhook({ type: "job.dead" }, {}, "whsec_AAAA");

new Worker(client, {
  jobs: [welcome.handle(async () => "ok")],
  handlers: { other: async (payload, ctx) => [payload, ctx.id] },
});
// @ts-expect-error a definition without its handler
new Worker(client, { jobs: [welcome] });
// @ts-expect-error durations are numbers
new Worker(client, { handlers: {}, grace: "30s" });

void [pushed, result, url, daily, kind];
