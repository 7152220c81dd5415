import { Client, RockQueueError, UniqueConflict } from "rockqueue";
import { URL, welcomeEmail } from "./jobs.ts";

const client = new Client(URL);
const once = welcomeEmail.options({ unique: { key: "welcome eve@example.com", onConflict: "reject" } });
try {
  await once.push(client, { to: "eve@example.com" });
  await once.push(client, { to: "eve@example.com" });
} catch (error) {
  if (error instanceof UniqueConflict) {
    console.log("refused:", error.reason, "held by", error.metadata.job_id);
  } else if (error instanceof RockQueueError) {
    console.log(error.code, error.message, "- perhaps it happened:", error.outcomeUnknown);
  } else {
    throw error;
  }
} finally {
  await client.close();
}
