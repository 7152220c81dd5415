// The job of the loads: it does nothing, so that what is measured is everything around it.
import { Client, defineJob } from "rockqueue";

export const QUEUE = "bench";
/** Nobody works on it: a producer warms up here without giving a worker something to count. */
export const WARM_QUEUE = "warm";

/** @type {import("rockqueue").JobDefinition<{ filler: string }, void>} */
export const noop = defineJob({ name: "noop", queue: QUEUE });

/**
 * The argument that makes a payload of so many bytes of JSON, at least 13.
 * @param {number} payloadBytes
 */
export function payloadOf(payloadBytes) {
  return { filler: "x".repeat(payloadBytes - JSON.stringify({ filler: "" }).length) };
}

/**
 * Lets `use` have a client of the server at this address, and closes it afterwards.
 * @param {string} address
 * @param {(client: Client) => Promise<void>} use
 */
export async function withClient(address, use) {
  const client = new Client(`rockqueue://${address}`);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}
