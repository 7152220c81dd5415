/**
 * RockQueue as a Fastify plugin: handlers find the client as `app.rockqueue`, and it is closed with the app.
 *
 * @packageDocumentation
 */
import { Client, type ClientOptions } from "../client.js";
import type { Worker } from "../worker/worker.js";

/** What this plugin needs of a Fastify app, version 4 or 5. */
export interface FastifyApp {
  decorate(name: string, value: unknown): unknown;
  addHook(name: "onClose", hook: () => Promise<void>): unknown;
}

/** A client, or what makes one. */
export interface FastifyOptions extends ClientOptions {
  /** The client to attach. @defaultValue a new one for `url` */
  client?: Client;
  /** Where RockQueue is, when no client is given. */
  url?: string;
  /** Workers to stop before the client is closed. */
  workers?: readonly Worker[];
}

/**
 * The plugin: `await app.register(rockqueue, { url: "rockqueue://localhost:7655" })`, then `app.rockqueue.push(…)`.
 *
 * For TypeScript, say once that the app has it:
 *
 * @example
 * declare module "fastify" {
 *   interface FastifyInstance {
 *     rockqueue: import("rockqueue").Client;
 *   }
 * }
 */
export async function rockqueue(app: FastifyApp, options: FastifyOptions = {}): Promise<void> {
  const { client: given, url, workers = [], ...clientOptions } = options;
  const client = given ?? new Client(url, clientOptions);
  app.decorate("rockqueue", client);
  app.addHook("onClose", async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await client.close();
  });
}

// What fastify-plugin does: the decoration is for the app that registers the plugin, not for a scope of its own.
Object.assign(rockqueue, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "rockqueue",
  [Symbol.for("plugin-meta")]: { name: "rockqueue", fastify: ">=4" },
});

export default rockqueue;
