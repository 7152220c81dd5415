// The shops that share the mail queue: each is a group of its own, so that none keeps the others waiting.
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { type Client, DeadlineExceeded, Unavailable } from "rockqueue";
import { QUEUE } from "./mails.ts";

// How many mails of one tenant may be under way at once, over all workers.
const MAX_ACTIVE = 5;
const PAUSE_MS = 1000;

const NAME = { type: "string", minLength: 1, maxLength: 64 };
/** In whose name a mail is sent; nobody's when it is left out. */
export const TENANT = { anyOf: [NAME, { type: "null" }] };

// Without a tenant the filter would match the mails of all, and a dry run that is not understood would be none.
const CANCELLATION = {
  querystring: {
    type: "object",
    required: ["tenant"],
    properties: { tenant: NAME, dry_run: { enum: ["0", "1", "false", "true"], default: "0" } },
  },
};

/** Which mails to cancel. */
interface Cancellation {
  tenant: string;
  dry_run: string;
}

/** The route that cancels, and the limit of each tenant. */
export function addTenants(app: FastifyInstance): void {
  // shown in the README: [bulk]
  app.delete<{ Querystring: Cancellation }>("/mails", { schema: CANCELLATION }, async ({ query }) => {
    const dryRun = query.dry_run === "1" || query.dry_run === "true";
    const affected = await app.rockqueue.cancelAll({ queue: QUEUE, group: query.tenant, dryRun });
    return { affected, dry_run: dryRun };
  });
  // shown in the README: [/bulk]

  const closing = new AbortController();
  let limited = Promise.resolve();
  // Not waited for: an app whose queue is away still starts, and tells its visitors to try again.
  app.addHook("onReady", async () => {
    limited = limitTenants(app.rockqueue, closing.signal).catch((error) => {
      console.error(`the limit of a tenant could not be set: ${error}`);
    });
  });
  app.addHook("preClose", async () => {
    closing.abort();
    await limited;
  });
}

/** Sets the limit of a tenant, as soon as the queue can be reached. */
async function limitTenants(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.queues.update(QUEUE, { groupMaxActive: MAX_ACTIVE }, { signal });
      return;
    } catch (error) {
      const away = error instanceof Unavailable || error instanceof DeadlineExceeded;
      if (!away && !signal.aborted) {
        throw error;
      }
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}
