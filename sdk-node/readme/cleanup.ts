import { Client } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);
const trial = welcomeEmail.options({ tags: ["trial"], delay: 3_600_000 });
await client.pushMany([1, 2, 3].map((n) => trial.new({ to: `trial${n}@example.com` })));

const which = { queue: "mail", tags: ["trial"] };
console.log("would be cancelled:", await client.cancelAll({ ...which, dryRun: true }));
await client.cancelAll({ ...which, onProgress: (count) => console.log("cancelled:", count) });
console.log("deleted:", await client.deleteAll({ ...which, state: "CANCELLED" }));
await client.close();
