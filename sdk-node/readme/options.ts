import { Client } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);
const hour = 3_600_000;

// In an hour, for one customer; not at all a day from now, and looked up for a week after that.
const later = welcomeEmail.options({
  delay: hour,
  ttl: 24 * hour,
  retention: 7 * 24 * hour,
  timeout: 30_000,
  group: "customer-7",
  tags: ["welcome"],
});
const { state, readyTime } = await client.get((await later.push(client, { to: "ada@example.com" })).id);
console.log(state, "until", readyTime?.toISOString());

// One at a time: the second push stores nothing, and gets the id of the first.
const once = welcomeEmail.options({ unique: "welcome bob@example.com" });
const first = await once.push(client, { to: "bob@example.com" });
const second = await once.push(client, { to: "bob@example.com" });
console.log("the same job:", second.id === first.id && second.existing);

await client.close();
