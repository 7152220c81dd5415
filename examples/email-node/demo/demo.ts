// The demo as a command: queues mails, sends some, kills the app with -9, starts it again on the same files, and counts
// what arrived. The exit code is 0 only if every row of the books holds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppProcess, examine } from "./app-process.ts";
import { allHold, closeBooks, type Row } from "./books.ts";
import { type Arrival, SmtpSink } from "./smtp-sink.ts";
import { Visitors, type Wish } from "./visitors.ts";

const SIGNUPS = 15;
const RESETS = 5;
const LATER_SIGNUPS = 5;
const KILL_AFTER = 6;
const REFUSED_SHARE = 0.2;
const SMTP_PAUSE_MS = 250;
const PATIENCE_MS = 25_000;

const KEPT = "\nNothing was lost: every acknowledged mail has arrived or is in the dead letters.";
const BROKEN = "\nThe promise was broken: see the rows marked above.";

const stopping = new AbortController();

interface Stats {
  waiting: number;
  delayed: number;
  active: number;
  completed: number;
  dead: number;
}

async function play(folder: string): Promise<Row[]> {
  const store = join(folder, "jobs.db");
  await using sink = await SmtpSink.start({ share: REFUSED_SHARE, pauseMs: SMTP_PAUSE_MS, accepted: showMail });
  const visitors = new Visitors();
  let app = await AppProcess.start(store, sink.address);
  try {
    await visitors.visit(app, wishes(SIGNUPS, "signup"));
    await visitors.visit(app, wishes(RESETS, "reset-password"));
    say(`${visitors.acknowledged.length} requests were answered with 202: their mails are on disk, resets go first`);
    await until(app, "the first mails", (now) => now.completed >= KILL_AFTER);
    await app.kill();
    const acknowledgedBeforeKill = visitors.acknowledged.length;
    say(`kill -9 ${app.pid}, the app, while it sends`);

    const remains = await examine(store);
    say(`left on disk: ${remains.jobs} mails, ${figures(remains.queues.mail ?? {})}`);
    app = await AppProcess.start(store, sink.address);
    say(`started again on the same files: ${figures(await app.get("/stats"))}`);
    await visitors.visit(app, wishes(LATER_SIGNUPS, "signup"));
    say(`${LATER_SIGNUPS} more signups; old and new mails are sent side by side`);
    await until(app, "sending the rest", (now) => now.waiting + now.delayed + now.active === 0);
    const letters = await app.get<{ job_id: string }[]>("/dead-letters");
    return closeBooks({
      ...visitors,
      acknowledgedBeforeKill,
      arrivals: sink.arrivals,
      deadLetters: letters.map((letter) => letter.job_id),
      remains,
    });
  } finally {
    await app.stop();
  }
}

/** Asks the app for its figures until they are as wanted. */
async function until(app: AppProcess, what: string, reached: (now: Stats) => boolean): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !reached(await app.get<Stats>("/stats")); await sleep(50)) {
    stopping.signal.throwIfAborted();
    if (Date.now() > deadline) {
      throw new Error(`${what} took longer than ${PATIENCE_MS / 1000} s: ${figures(await app.get("/stats"))}`);
    }
  }
}

function wishes(count: number, wish: Wish): Wish[] {
  return Array<Wish>(count).fill(wish);
}

function figures(counts: Readonly<Record<string, number>>): string {
  const held = Object.entries(counts).filter(([state, count]) => count > 0 && state !== "oldest_age_s");
  return held.map(([state, count]) => `${count} ${state}`).join(", ") || "nothing";
}

function showMail({ subject, recipient, attempt }: Arrival): void {
  console.log(`  mail to ${recipient}: ${subject}${attempt > 1 ? ` (attempt ${attempt})` : ""}`);
}

function say(text: string): void {
  console.log(`* ${text}`);
}

function show(rows: readonly Row[]): void {
  console.log("\nThe books");
  for (const { what, count, note, holds } of rows) {
    const verdict = holds === undefined ? "" : holds ? "ok" : "WRONG";
    console.log(`  ${verdict.padEnd(5)} ${what.padEnd(30)} ${String(count).padStart(3)}  ${note}`);
  }
  const checked = rows.filter((row) => row.holds !== undefined);
  const failed = checked.filter((row) => !row.holds).length;
  console.log(failed === 0 ? KEPT : BROKEN);
  console.log(`${checked.length - failed} passed, ${failed} failed`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
}
const folder = await mkdtemp(join(tmpdir(), "rockqueue-email-"));
try {
  const rows = await play(folder);
  show(rows);
  process.exitCode = allHold(rows) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
