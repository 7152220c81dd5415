// Serves the web app. Jobs are kept in a folder of this process, or on a queue server with --server.
import { parseArgs } from "node:util";
import { createApp } from "./app.ts";

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    data: { type: "string", default: "./jobs.db" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8000" },
  },
});

const app = await createApp({ url: options.server ?? `embedded:${options.data}` });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void app.close());
}
console.log(`listening on ${await app.listen({ host: options.host, port: Number(options.port) })}`);
