// `main.js NAME` runs one load; its parameters come as JSON in the first line of its input. `--version` tells Node.js's.
import { e2eProduce } from "./e2e-produce.js";
import { e2eWork } from "./e2e-work.js";
import { Link } from "./link.js";
import { singlePush } from "./single-push.js";

/** @type {Record<string, (link: Link) => Promise<void>>} */
const LOADS = { e2e_produce: e2eProduce, e2e_work: e2eWork, single_push: singlePush };

const name = process.argv[2] ?? "";
if (name === "--version") {
  console.log(process.version.slice(1));
  process.exit();
}
const load = LOADS[name];
if (load === undefined) {
  throw new Error(`no load ${name}; there are: ${Object.keys(LOADS).join(", ")}`);
}
const link = await Link.open();
await load(link);
link.close();
