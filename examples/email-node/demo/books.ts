// Compares the mails that were promised with the mails that arrived: the verdict of the demo. No I/O here.
import type { Remains } from "./app-process.ts";
import type { Arrival } from "./smtp-sink.ts";

/** What was counted in a run. */
export interface Counted {
  /** The job ids that were answered with 202. */
  acknowledged: readonly string[];
  /** How many of them before the kill. */
  acknowledgedBeforeKill: number;
  /** Requests without an answer. */
  unanswered: number;
  /** The mails that the mail server accepted. */
  arrivals: readonly Arrival[];
  /** The job ids of the dead letters. */
  deadLetters: readonly string[];
  /** What was on disk after the kill. */
  remains: Remains;
}

/** One line of the books; a row without `holds` is for information. */
export interface Row {
  what: string;
  count: number;
  note: string;
  holds?: boolean;
}

/** The rows of the closing table. */
export function closeBooks(counted: Counted): Row[] {
  const { acknowledged, acknowledgedBeforeKill, unanswered, arrivals, deadLetters, remains } = counted;
  const promised = new Set(acknowledged);
  const dead = new Set(deadLetters);
  const byJob = group(arrivals);
  const ids = [...byJob.keys()];
  const lost = acknowledged.filter((id) => !byJob.has(id) && !dead.has(id));
  const nobodys = ids.filter((id) => !promised.has(id));
  const twice = [...byJob.values()].filter((mails) => mails.length > 1);
  const unlike = twice.filter((mails) => new Set(mails.map((mail) => mail.messageId)).size > 1);
  const onDisk = remains.jobs >= acknowledgedBeforeKill && remains.jobs <= acknowledgedBeforeKill + unanswered;
  return [
    row("on disk after the kill", remains.jobs, `${acknowledgedBeforeKill} were acknowledged before it`, onDisk),
    row(
      "discrepancies on disk",
      remains.problems.length,
      remains.problems[0] ?? "rockqueue check",
      remains.problems.length === 0,
    ),
    row("acknowledged with HTTP 202", promised.size, "the job was on disk before the answer", promised.size > 0),
    row("arrived at the mail server", ids.length - nobodys.length, "counted there"),
    row("in the dead letters instead", deadLetters.length, "refused at every attempt, kept to be looked at"),
    row("lost", lost.length, lost.join(" ") || "acknowledged, neither arrived nor dead", lost.length === 0),
    row("nobody's", nobodys.length, `${unanswered} requests got no answer`, nobodys.length <= unanswered),
    row("arrived twice", twice.length, "killed after the mail server took it: at least once, so sent again"),
    row("copies with another Message-ID", unlike.length, "mail systems recognise the others", unlike.length === 0),
  ];
}

/** Whether no row is wrong. */
export function allHold(rows: readonly Row[]): boolean {
  return rows.every((row) => row.holds !== false);
}

function row(what: string, count: number, note: string, holds?: boolean): Row {
  return { what, count, note, holds };
}

function group(arrivals: readonly Arrival[]): Map<string, Arrival[]> {
  const byJob = new Map<string, Arrival[]>();
  for (const mail of arrivals) {
    byJob.set(mail.jobId, [...(byJob.get(mail.jobId) ?? []), mail]);
  }
  return byJob;
}
