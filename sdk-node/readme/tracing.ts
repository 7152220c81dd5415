import { Client } from "rockqueue";
import { openTelemetry } from "rockqueue/opentelemetry";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL, { middleware: [openTelemetry()] });
const job = await welcomeEmail.push(client, { to: "ada@example.com" });
console.log("pushed", job.id);
await client.close();
