// The package as npm packs it, installed into an empty project: the programs of the README run there, in the order in which a
// newcomer meets them, and the CommonJS half works too.
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";

const HERE = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = /^```ts\n\/\/ (?<name>\S+)\n(?<text>.*?)^```$/gms;
const run = promisify(execFile);

let folder: string;
let names: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rockqueue-readme-"));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(execFileSync("npm", pack, { cwd: HERE, encoding: "utf8" })) as [
    { filename: string },
  ];
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  const install = [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--no-package-lock",
    join(folder, filename),
  ];
  await run("npm", install, { cwd: folder });
  // What the examples use besides, from here: it need not be fetched again.
  for (const name of ["fastify", "zod", "@opentelemetry/api", "@types/node", "typescript"]) {
    const place = join(folder, "node_modules", name);
    if (!existsSync(place)) {
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(HERE, "node_modules", name), place);
    }
  }
  names = writePrograms();
}, 240_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes each program as it stands, and as the JavaScript that Node.js 20 runs. */
function writePrograms(): string[] {
  const readme = readFileSync(join(HERE, "README.md"), "utf8");
  const blocks = [...readme.matchAll(BLOCK)];
  expect(blocks.length, "a program of the README has no name").toBe(readme.match(/^```ts$/gm)?.length);
  for (const { groups } of blocks) {
    const { name, text } = groups as { name: string; text: string };
    writeFileSync(join(folder, name), text);
    const { code } = transformSync(text, { loader: "ts", format: "esm", target: "node20" });
    writeFileSync(join(folder, name.replace(/\.ts$/, ".mjs")), code.replaceAll(/(from "\.\/\w+)\.ts"/g, '$1.mjs"'));
  }
  return blocks.map(({ groups }) => groups?.name as string);
}

async function program(...parameters: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, parameters, { cwd: folder, timeout: 60_000 });
  return stdout;
}

/** Runs worker.mjs until it has printed each of the wanted texts, in any order, and stops it as a service manager would. */
async function workUntil(...wanted: string[]): Promise<string> {
  const worker = spawn(process.execPath, ["worker.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let stopped = false;
  const take = (text: Buffer): void => {
    said += text.toString();
    if (!stopped && wanted.every((one) => said.includes(one))) {
      stopped = true;
      worker.kill("SIGTERM");
    }
  };
  worker.stdout.on("data", take);
  worker.stderr.on("data", take);
  const timer = setTimeout(() => worker.kill("SIGKILL"), 60_000);
  const code = await new Promise((resolve) => worker.once("exit", resolve));
  clearTimeout(timer);
  expect(code, said).toBe(0);
  return said;
}

it("the programs of the README tell the story", { timeout: 240_000 }, async () => {
  expect(names).toContain("push.ts");
  expect(await program("push.mjs")).toContain("on disk:");
  expect(await program("web.mjs")).toContain("signed up: 200");

  const toUsers = [1, 2, 3].map((n) => `mail to user${n}@example.com`);
  const ada = "mail to ada@example.com: welcome, Ada!";
  const worked = await workUntil("mail to grace@example.com", ada, ...toUsers);
  expect(worked).toContain(ada);
  expect(worked.match(/mail to user/g)?.length).toBe(3);

  const watched = await program("watch.mjs");
  expect(watched).toContain("JOB_PUSHED welcome_email");
  expect(watched).toContain("JOB_DEAD welcome_email");

  const dead = await program("dead-letters.mjs");
  expect(dead).toContain(`dead: { to: 'nobody' } NON_RETRYABLE "nobody" is not an address`);
  expect(dead).toContain("put back: 1");

  expect(await program("--test", "mail.test.mjs")).toMatch(/pass 1/);
});

it("the programs of the README schedule, build flows, and set limits", { timeout: 240_000 }, async () => {
  const scheduled = await program("schedule.mjs");
  expect(scheduled).toMatch(/next: \d{4}-\d\d-\d\dT0[23]:00:00/);
  expect(scheduled).toContain("in winter: [ 2027-01-01T03:00:00.000Z, 2027-01-02T03:00:00.000Z ]");
  expect(scheduled).toContain("pushed by: nightly");
  expect(await program("flow.mjs")).toContain("COMPLETED 4 mails sent: 2");
  expect(await program("limits.mjs")).toContain("why it waits: NO_WORKER");
  expect(await program("workers.mjs")).toMatch(/^mail-1 RUNNING on .* - stuck: \[\]$/m);
});

it("the programs of the README choose options, meet errors, clean up, and add middleware", {
  timeout: 240_000,
}, async () => {
  const chosen = await program("options.mjs");
  expect(chosen).toMatch(/DELAYED until \d{4}-/);
  expect(chosen).toContain("the same job: true");
  expect(await program("errors.mjs")).toContain("refused: UNIQUE_CONFLICT held by ");
  expect(await program("cleanup.mjs")).toBe("would be cancelled: 3\ncancelled: 3\ndeleted: 3\n");
  const typed = await program("typed.mjs");
  expect(typed).toContain("order 7 costs 90");
  expect(typed).toContain("order.number");
  expect(await program("put-webhook.mjs")).toContain("keep this secret: whsec_");
  expect(await program("tracing.mjs")).toContain("pushed ");
  expect(await program("middleware.mjs")).toMatch(/welcome_email: attempt 1 took [\s\S]*sent to ada@example.com/);
});

it("every program of the README is run", () => {
  // Here, or by being imported as jobs.ts is.
  const tested = readFileSync(fileURLToPath(import.meta.url), "utf8");
  expect(names.filter((name) => !tested.includes(name.replace(/\.ts$/, "")))).toEqual([]);
});

it("the receiver of the README takes what is signed, and nothing else", async () => {
  const text = `
    import { createHmac } from "node:crypto";
    process.env.WEBHOOK_SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    const { app } = await import("./receiver.mjs");
    const payload = '{"type":"job.dead","timestamp":"2026-11-22T11:00:00Z","data":{"job_id":"j-1"}}';
    const id = "msg_1";
    const now = Math.floor(Date.now() / 1000);
    const key = Buffer.from(process.env.WEBHOOK_SECRET.slice(6), "base64");
    const signature = "v1," + createHmac("sha256", key).update([id, now, payload].join(".")).digest("base64");
    const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": String(now) };
    const send = (signed) => app.inject({
      ...{ method: "POST", url: "/hook", payload },
      headers: { ...headers, "webhook-signature": signed },
    });
    console.log((await send(signature)).statusCode, (await send("v1,AAAA")).statusCode);
    await app.close();`;
  writeFileSync(join(folder, "receive.mjs"), text);
  expect((await program("receive.mjs")).trim().split("\n")).toEqual(["webhook: job.dead j-1", "204 400"]);
});

it("the programs of the README have no type errors", { timeout: 120_000 }, async () => {
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions", "--types", "node"];
  const modules = ["--module", "nodenext", "--target", "es2022"];
  const files = names.map((name) => basename(name));
  const tsc = run(process.execPath, [join(HERE, "node_modules/typescript/bin/tsc"), ...options, ...modules, ...files], {
    cwd: folder,
  });
  await expect(
    tsc.then(
      () => "",
      (error: { stdout: string }) => error.stdout,
    ),
  ).resolves.toBe("");
});

it("CommonJS programs have all of it too", async () => {
  const text = `
    const { Client, JobNotFound, VERSION } = require("rockqueue");
    const testing = require("rockqueue/testing");
    const express = require("rockqueue/express");
    const fastify = require("rockqueue/fastify");
    const { verifyWebhook } = require("rockqueue/webhooks");
    (async () => {
      const server = await testing.RockQueueServer.start();
      const client = server.client();
      const worker = await new (require("rockqueue").Worker)(client, { handlers: { n: (x) => x + 1 }, queues: ["q"] }).start();
      const { id } = await client.push("q", "n", 1);
      console.log(VERSION, await client.result(id, { timeoutMs: 10000 }));
      console.log(typeof Client, typeof express.attachRockQueue, typeof fastify.rockqueue, typeof verifyWebhook);
      const missing = await client.get("01a00000-0000-7000-8000-000000000000").catch((error) => error);
      const { JobNotFound: Twin } = await import("rockqueue");
      console.log(missing instanceof JobNotFound, missing instanceof Twin);
      await worker.stop();
      await server.close();
    })();`;
  writeFileSync(join(folder, "common.cjs"), text);
  expect((await program("common.cjs")).trim().split("\n")).toEqual([
    "0.1.0 2",
    "function function function function",
    "true true",
  ]);
});
