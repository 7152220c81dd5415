import Fastify from "fastify";
import rockqueue from "rockqueue/fastify";
import { URL, welcomeEmail } from "./jobs.ts";

const app = Fastify();
await app.register(rockqueue, { url: URL });
app.post("/signup", async () => welcomeEmail.push(app.rockqueue, { to: "linus@example.com" }));

const response = await app.inject({ method: "POST", url: "/signup" });
console.log("signed up:", response.statusCode, response.json().id);
await app.close();

declare module "fastify" {
  interface FastifyInstance {
    rockqueue: import("rockqueue").Client;
  }
}
