/**
 * RockQueue in an Express app: handlers find the client on the app, and it is closed with the HTTP server.
 *
 * @packageDocumentation
 */
import type { Server } from "node:http";
import { Client, type ClientOptions } from "../client.js";
import type { Worker } from "../worker/worker.js";

/** What this helper needs of an Express app, version 4 or 5. */
export interface ExpressApp {
  readonly locals: Record<string, unknown>;
}

/** A client, or what makes one. */
export interface ExpressOptions extends ClientOptions {
  /** The client to attach. @defaultValue a new one for `url` */
  client?: Client;
  /** Where RockQueue is, when no client is given. */
  url?: string;
  /** Workers to stop before the client is closed. */
  workers?: readonly Worker[];
}

const KEY = "rockqueue";

/**
 * Puts a client into `app.locals.rockqueue` and returns it. Call the returned `closeWith(server)` after `listen`: when the
 * HTTP server has closed, workers are stopped and the client is closed.
 *
 * @example
 * const { client, closeWith } = attachRockQueue(app);
 * app.post("/signup", async (request, response) => {
 *   await client.push("mail", "welcome_email", { to: request.body.email });
 *   response.sendStatus(202);
 * });
 * closeWith(app.listen(3000));
 */
export function attachRockQueue(
  app: ExpressApp,
  { client: given, url, workers = [], ...options }: ExpressOptions = {},
): { client: Client; closeWith: (server: Server) => Server; close: () => Promise<void> } {
  const client = given ?? new Client(url, options);
  app.locals[KEY] = client;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= Promise.all(workers.map((worker) => worker.stop())).then(() => client.close());
    return closing;
  };
  const closeWith = (server: Server): Server => server.once("close", () => void close());
  return { client, closeWith, close };
}

/** The client of an app, for handlers in other files: `rockqueueOf(request.app)`. Throws when none was attached. */
export function rockqueueOf(app: ExpressApp): Client {
  const client = app.locals[KEY];
  if (client instanceof Client) {
    return client;
  }
  throw new Error("this app has no RockQueue client: call attachRockQueue(app) first");
}
