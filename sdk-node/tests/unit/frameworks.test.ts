import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import Fastify from "fastify";
import pino from "pino";
import { Client, type Logger } from "rockqueue";
import { attachRockQueue, rockqueueOf } from "rockqueue/express";
import rockqueue from "rockqueue/fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ScriptedServer } from "../support/scripted-server.js";

declare module "fastify" {
  interface FastifyInstance {
    rockqueue: Client;
  }
}

let server: ScriptedServer;

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(() => {
  server.close();
});

it("an Express app pushes, and closes its client with its HTTP server", async () => {
  const app = express();
  const { client, closeWith, close } = attachRockQueue(app, { url: server.url, logger: false });
  app.post("/signup", async (request, response) => {
    response.json(await rockqueueOf(request.app).push("mail", "welcome_email"));
  });
  const http = closeWith(app.listen(0, "127.0.0.1"));
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/signup`, { method: "POST" });
  expect(await response.json()).toMatchObject({ existing: false });
  http.closeAllConnections();
  http.close();
  await once(http, "close");
  await close();
  await expect(client.push("q", "n")).rejects.toMatchObject({ name: "ClientClosed" });
  expect(() => rockqueueOf(express())).toThrow("attachRockQueue");
});

it("a Fastify app pushes, and closes its client with itself", async () => {
  const app = Fastify();
  await app.register(rockqueue, { url: server.url, logger: false });
  app.post("/signup", async () => app.rockqueue.push("mail", "welcome_email"));
  const response = await app.inject({ method: "POST", url: "/signup" });
  expect(response.json()).toMatchObject({ existing: false });
  const client = app.rockqueue;
  await app.close();
  await expect(client.push("q", "n")).rejects.toMatchObject({ name: "ClientClosed" });
});

it("console and pino are loggers", async () => {
  const lines: string[] = [];
  const loggers: Logger[] = [console, pino({ level: "debug" }, { write: (line: string) => lines.push(line) })];
  for (const logger of loggers) {
    await using client = new Client(server.url, { logger });
    await client.push("q", "n");
  }
  loggers[1]?.warn("a warning", { queue: "q" });
  expect(lines.join()).toContain("a warning");
});
