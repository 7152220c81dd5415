/**
 * What tests may use: a server of their own whose clock they turn.
 *
 * @example
 * const server = await RockQueueServer.start();
 * const client = server.client();
 * await client.push("mail", "reminder", { to: "ada@example.com" }, { delay: 86_400_000 });
 * await server.advance(86_400_000);
 * await server.close();
 *
 * @packageDocumentation
 */
export { RockQueueServer, type RockQueueServerOptions } from "./server.js";
