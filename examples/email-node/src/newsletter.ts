// The newsletter: a flow that is rendered once, sent to all, and reported; and a digest that comes every night.
import type { FastifyInstance } from "fastify";
import { defineJob, Flow, group, type ParentJob } from "rockqueue";
import { verifyWebhook, WebhookVerificationError } from "rockqueue/webhooks";
import { send } from "./mails.ts";

export const NEWS_QUEUE = "newsletter";
export const DIGEST = "nightly-digest";

const ADDRESS = { type: "string", pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 254 };

/** What every copy says. */
interface Rendered {
  subject: string;
  text: string;
}

/** A newsletter to send. */
interface Issue {
  subject: string;
  readers: string[];
  editor: string;
}

/** Who gets the digest, and when. */
interface Digest {
  email: string;
  cron: string;
  time_zone: string;
}

const render = defineJob<{ subject: string }, Rendered>({ name: "render-newsletter", queue: NEWS_QUEUE });
const sendCopy = defineJob<{ email: string }, string>({ name: "send-newsletter", queue: NEWS_QUEUE });
const report = defineJob<{ to: string }, string>({ name: "report-newsletter", queue: NEWS_QUEUE });
const digest = defineJob<{ email: string }, void>({ name: "digest", queue: NEWS_QUEUE });

/** The jobs with their handlers, for the worker. */
export const newsJobs = [
  render.handle(({ subject }) => ({ subject, text: `${subject}: all that is new in our shop.` })),
  sendCopy.handle(async ({ email }, ctx) => {
    const rendered = (await ctx.parents()).get(render.name) as ParentJob;
    const { subject, text } = rendered.result as Rendered;
    await send(ctx, email, subject, text);
    return email;
  }),
  // Copies that could not be sent are no reason to stay silent.
  report.handle(async ({ to }, ctx) => {
    const copies = [...(await ctx.parents()).values()];
    const sent = copies.filter(({ state }) => state === "COMPLETED").length;
    const summary = `${sent} of ${copies.length} copies were sent`;
    await send(ctx, to, "Newsletter", summary);
    return summary;
  }),
  digest.handle(({ email }, ctx) => {
    const day = ctx.origin?.slotTime?.toISOString().slice(0, 16).replace("T", " ");
    return send(ctx, email, "Digest", day === undefined ? "What happened." : `What happened before ${day}.`);
  }),
];

// shown in the README: [flow]
/** Renders once, then sends to all readers side by side, then reports, whatever became of the copies. */
export function newsletter({ subject, readers, editor }: Issue): Flow {
  const flow = new Flow("newsletter");
  const rendered = flow.add(render.new({ subject }));
  const copies = flow.add(group(readers.map((email) => sendCopy.new({ email }))), { after: rendered });
  flow.add(report.new({ to: editor }), { after: copies, onFailure: "ignore" });
  return flow;
}
// shown in the README: [/flow]

const ISSUE = {
  body: {
    type: "object",
    required: ["subject", "readers", "editor"],
    properties: {
      subject: { type: "string", minLength: 1, maxLength: 100 },
      readers: { type: "array", minItems: 1, maxItems: 1000, items: ADDRESS },
      editor: ADDRESS,
    },
  },
};
const FLOW_ID = { params: { type: "object", properties: { id: { type: "string", format: "uuid" } } } };
const WANTED = {
  body: {
    type: "object",
    required: ["email"],
    properties: {
      email: ADDRESS,
      cron: { type: "string", default: "0 3 * * *" },
      time_zone: { type: "string", default: "UTC" },
    },
  },
};

/** The routes of newsletter and digest. */
export function addNews(app: FastifyInstance): void {
  app.post<{ Body: Issue }>("/newsletter", { schema: ISSUE }, async ({ body }, reply) => {
    reply.code(202);
    const { id, jobIds } = await app.rockqueue.flows.push(newsletter(body));
    return { flow_id: id, state: "RUNNING", completed: 0, of: jobIds.size };
  });

  app.get<{ Params: { id: string } }>("/newsletter/:id", { schema: FLOW_ID }, async ({ params }) => {
    const { id, state, completed, size } = await app.rockqueue.flows.get(params.id);
    return { flow_id: id, state, completed, of: size };
  });

  // shown in the README: [schedule]
  app.put<{ Body: Digest }>("/digest", { schema: WANTED }, async ({ body: { email, cron, time_zone: timeZone } }) => {
    await digest.schedule(app.rockqueue, DIGEST, { email }, { cron, timeZone, overlap: "skip" });
    return { slots: await app.rockqueue.schedules.preview(DIGEST, { count: 3 }) };
  });
  // shown in the README: [/schedule]

  app.post("/digest/now", async (_, reply) => {
    reply.code(202);
    return { job_id: (await app.rockqueue.schedules.trigger(DIGEST)) ?? null };
  });
}

/** The route that takes webhooks, in a scope of its own: it needs bodies as they came. */
export async function hooks(app: FastifyInstance): Promise<void> {
  // shown in the README: [webhook]
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/hook", async (request, reply) => {
    try {
      const event = verifyWebhook(request.body as Buffer, request.headers, process.env.WEBHOOK_SECRET ?? "");
      console.log(`webhook ${event.id}: ${event.type} ${event.data.job_id ?? ""}`);
      return { took: event.type };
    } catch (error) {
      if (error instanceof WebhookVerificationError) {
        return reply.code(400).send({ detail: error.message });
      }
      throw error;
    }
  });
  // shown in the README: [/webhook]
}
