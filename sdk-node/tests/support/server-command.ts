// The server that the tests start: the one of this repository, unless ROCKQUEUE_COMMAND names another.
import { fileURLToPath } from "node:url";

export default function setup(): void {
  process.env.ROCKQUEUE_COMMAND ??= fileURLToPath(new URL("../../../.venv/bin/rockqueue", import.meta.url));
}
