// The web app: it answers as soon as the mail is on disk, and never waits for a mail server.
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import {
  Client,
  DeadlineExceeded,
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
import { mailWorker } from "./worker.ts";

// A person waits for the answer: better to say "try again" than to wait longer.
const PUSH_TIMEOUT_MS = 5000;

const RECIPIENT = {
  body: {
    type: "object",
    required: ["email"],
    properties: { email: { type: "string", pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 254 } },
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
  addNews(app);
  await app.register(hooks);
  return app;
}

function addPushes(app: FastifyInstance): void {
  app.post<{ Body: Recipient }>("/signup", { schema: RECIPIENT }, async ({ body }, reply) => {
    reply.code(202);
    return queued(await welcomeEmail.push(app.rockqueue, { email: body.email }));
  });

  // shown in the README: [route]
  app.post<{ Body: Recipient }>("/reset-password", { schema: RECIPIENT }, async ({ body }, reply) => {
    reply.code(202);
    return queued(await passwordReset.push(app.rockqueue, { email: body.email }));
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
