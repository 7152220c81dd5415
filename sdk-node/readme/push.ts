import { Client } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);

const job = await welcomeEmail.push(client, { to: "ada@example.com", name: "Ada" });
console.log("on disk:", job.id);

// Overtakes what waits, tries harder, and not before a second from now.
await welcomeEmail.options({ priority: 10, maxAttempts: 5, delay: 1000 }).push(client, { to: "grace@example.com" });

// Many at once: all are stored, or none.
await client.pushMany([1, 2, 3].map((n) => welcomeEmail.new({ to: `user${n}@example.com` })));

// By name, for a handler in another program or language.
await client.push("mail", "welcome_email", { to: "nobody" });

await client.close();
