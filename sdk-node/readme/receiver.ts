import Fastify from "fastify";
import { verifyWebhook, WebhookVerificationError } from "rockqueue/webhooks";

export const app = Fastify();

// The body as it came: parsed and written anew it has another signature.
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

app.post("/hook", async (request, reply) => {
  try {
    const event = verifyWebhook(request.body as Buffer, request.headers, process.env.WEBHOOK_SECRET ?? "");
    console.log("webhook:", event.type, event.data.job_id);
    return reply.code(204).send();
  } catch (error) {
    return reply.code(error instanceof WebhookVerificationError ? 400 : 500).send();
  }
});
