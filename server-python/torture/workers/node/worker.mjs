// A worker on the public SDK for Node.js. Arguments: URL, name, journal, queues by commas; runs until it is ended. What it
// notes in its journal is told in python_worker.py.
import { createHash } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, NonRetryable, Release, Snooze, Worker } from "../../../../sdk-node/dist/esm/index.js";

const [url, name, path, queues] = process.argv.slice(2);
const journal = openSync(path, "a", 0o600);

function note(kind, ...rest) {
  // A number of JSON is exact up to 2^53; nanoseconds since the start of the machine are not, so they are put in as text.
  const line = JSON.stringify([kind, "TIME", ...rest]).replace('"TIME"', process.hrtime.bigint().toString());
  writeSync(journal, `${line}\n`);
}

function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

async function torment({ tag, fate, filling }, ctx) {
  const { id, attempt } = ctx;
  const end = (kind, body = "") => note("end", id, attempt, tag, kind, body);
  note("start", id, attempt, tag, createHash("sha256").update(filling).digest("hex").slice(0, 16), ctx.queue);
  if (fate === "hang_once" && attempt === 1) {
    block(400);
  } else if (fate === "slow") {
    try {
      await sleep(200, undefined, { signal: ctx.signal });
    } catch {
      end("cancelled");
      throw ctx.signal.reason;
    }
  }
  if (fate === "fail" || (fate === "fail_once" && attempt === 1)) {
    end("fail");
    throw new Error("as it was told");
  }
  if (fate === "never") {
    end("never");
    throw new NonRetryable("as it was told");
  }
  if (fate === "snooze_once" && attempt === 1) {
    end("snooze");
    throw new Snooze(80);
  }
  if (fate === "release_once" && attempt === 1) {
    end("release");
    throw new Release();
  }
  const result = `${tag}/${attempt}/${name}`;
  end("complete", JSON.stringify(result));
  return result;
}

const client = new Client(url);
const worker = new Worker(client, {
  handlers: { torment },
  queues: queues.split(","),
  concurrency: 4,
  name,
  lease: 2000,
  resumeGrace: 5000,
});
await worker.run();
await client.close();
