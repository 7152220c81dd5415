import { Client } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);

const payload = { to: "everybody@example.com" };
const nightly = { cron: "0 3 * * *", timeZone: "Europe/London", overlap: "skip" } as const;
const { nextTime } = await welcomeEmail.schedule(client, "nightly", payload, nightly);
console.log("next:", nextTime?.toISOString());
console.log("in winter:", await client.schedules.preview(nightly, { afterTime: new Date("2027-01-01"), count: 2 }));

await client.schedules.pause("nightly");
const jobId = await client.schedules.trigger("nightly"); // now, by hand
console.log("pushed by:", (await client.get(jobId ?? "")).origin?.schedule);
await client.close();
