// The web app: it answers as soon as the mail is on disk, and never waits for a mail server.
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import {
  Client,
  DeadlineExceeded,
  InvalidRequest,
  InvalidState,
  type Job,
  JobNotFound,
  NotFound,
  type PushedJob,
  QueueNotFound,
  ResourceExhausted,
  RockQueueError,
  Unavailable,
} from "rockqueue";
import rockqueue from "rockqueue/fastify";
import { passwordReset, QUEUE, type Recipient, welcomeEmail } from "./mails.ts";
import { addNews, hooks } from "./newsletter.ts";
import { isEmbedded, type QueueSettings } from "./settings.ts";
import { addTenants, TENANT } from "./tenants.ts";
import { mailWorker } from "./worker.ts";

// A person waits for the answer: better to say "try again" than to wait longer.
const PUSH_TIMEOUT_MS = 5000;

/** A mail that a visitor asks for, and in whose name. */
interface Wish extends Recipient {
  tenant?: string | null;
}

const WISH = {
  body: {
    type: "object",
    required: ["email"],
    properties: { email: { type: "string", pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 254 }, tenant: TENANT },
  },
};
const JOB_ID = { params: { type: "object", properties: { id: { type: "string", format: "uuid" } } } };

declare module "fastify" {
  interface FastifyInstance {
    rockqueue: Client;
  }
}

/** The app. It opens the queue when it starts; an embedded queue has its worker in the same process. */
export async function createApp(settings: QueueSettings, timeoutMs = PUSH_TIMEOUT_MS): Promise<FastifyInstance> {
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false } } });
  // shown in the README: [lifespan]
  const client = new Client(settings.url, { timeoutMs });
  const workers = isEmbedded(settings) ? [mailWorker(client, settings)] : [];
  await app.register(rockqueue, { client, workers });
  app.addHook("onReady", async () => {
    await Promise.all(workers.map((worker) => worker.start()));
  });
  // shown in the README: [/lifespan]
  app.setErrorHandler(refuse);
  addPushes(app);
  addQuestions(app);
  addTenants(app);
  addNews(app);
  await app.register(hooks);
  return app;
}

function addPushes(app: FastifyInstance): void {
  app.post<{ Body: Wish }>("/signup", { schema: WISH }, async ({ body: { email, tenant } }, reply) => {
    reply.code(202);
    return queued(await welcomeEmail.options({ group: tenant ?? undefined }).push(app.rockqueue, { email }));
  });

  // shown in the README: [route]
  app.post<{ Body: Wish }>("/reset-password", { schema: WISH }, async ({ body: { email, tenant } }, reply) => {
    reply.code(202);
    return queued(await passwordReset.options({ group: tenant ?? undefined }).push(app.rockqueue, { email }));
  });
  // shown in the README: [/route]

  app.post<{ Params: { id: string } }>("/jobs/:id/retry", { schema: JOB_ID }, async ({ params }, reply) => {
    await app.rockqueue.retry(params.id);
    reply.code(202);
    return queued(params);
  });
}

function addQuestions(app: FastifyInstance): void {
  app.get("/stats", () => stats(app.rockqueue));

  app.get<{ Params: { id: string } }>("/jobs/:id", { schema: JOB_ID }, async ({ params }) =>
    describe(await app.rockqueue.get(params.id)),
  );

  // shown in the README: [why]
  app.get<{ Params: { id: string } }>("/mails/:id/why", { schema: JOB_ID }, async ({ params }) => {
    const { state, reasons } = await app.rockqueue.explain(params.id);
    return { state, reasons: reasons.map(({ kind, message }) => ({ kind, message })) };
  });
  // shown in the README: [/why]

  app.get("/workers", async () => {
    const workers = [];
    for await (const { name, state, active, stuckJobIds } of app.rockqueue.workers({ queue: QUEUE })) {
      workers.push({ name, state, active, stuck: stuckJobIds });
    }
    return { workers };
  });

  app.get("/dead-letters", async () => {
    const letters = [];
    for await (const job of app.rockqueue.list({ queue: QUEUE, state: "DEAD" })) {
      letters.push(describe(job));
    }
    return letters;
  });
}

/** The mail is on disk and will be sent. */
function queued({ id }: Pick<PushedJob, "id">) {
  return { job_id: id };
}

/** Counts the mails in each state, and tells how long the oldest one has waited, in seconds. */
async function stats(client: Client) {
  try {
    const { counts, oldestReadyTime } = await client.queues.get(QUEUE);
    const { waiting, delayed, active, completed, dead, cancelled } = counts;
    const age = oldestReadyTime === undefined ? 0 : Math.max(0, Date.now() - oldestReadyTime.getTime()) / 1000;
    return { waiting, delayed, active, completed, dead, cancelled, oldest_age_s: age };
  } catch (error) {
    if (error instanceof QueueNotFound) {
      return { waiting: 0, delayed: 0, active: 0, completed: 0, dead: 0, cancelled: 0, oldest_age_s: 0 };
    }
    throw error;
  }
}

/** What the app tells of a mail. */
function describe({ id, name, state, attempt, failures, errors }: Job) {
  return { job_id: id, name, state, attempt, failures, last_error: errors.at(-1)?.message ?? null };
}

/** Answers for what the visitor got wrong and for what the queue refuses. Nothing is acknowledged that is not on disk. */
function refuse(error: FastifyError | RockQueueError, _: unknown, reply: FastifyReply) {
  if (error instanceof JobNotFound) {
    return reply.code(404).send({ detail: "no mail has this id" });
  }
  if (error instanceof NotFound) {
    return reply.code(404).send({ detail: "there is no such thing" });
  }
  if (error instanceof InvalidRequest) {
    return reply.code(422).send({ detail: error.message });
  }
  if (error instanceof InvalidState) {
    return reply.code(409).send({ detail: "only a mail of the dead letters can be sent again" });
  }
  if (error instanceof ResourceExhausted || error instanceof Unavailable || error instanceof DeadlineExceeded) {
    return reply.code(503).header("Retry-After", "1").send({ detail: "try again in a moment" });
  }
  if (error instanceof RockQueueError) {
    return reply.code(500).send({ detail: "the mail queue failed" });
  }
  const { statusCode = 500, message } = error;
  // What cannot be read and what does not fit are the same to the visitor.
  return reply.code(statusCode === 400 || statusCode === 415 ? 422 : statusCode).send({ detail: message });
}
