// The verdict of the demo: it must see what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allHold, type Counted, closeBooks } from "../demo/books.ts";
import type { Arrival } from "../demo/smtp-sink.ts";

function mail(jobId: string, messageId = `<${jobId}>`): Arrival {
  return { jobId, attempt: 1, messageId, recipient: "ann@mail.example", subject: "Welcome" };
}

const GOOD: Counted = {
  acknowledged: ["a", "b", "c"],
  acknowledgedBeforeKill: 2,
  unanswered: 0,
  arrivals: [mail("a"), mail("b"), mail("a")],
  deadLetters: ["c"],
  remains: { jobs: 2, problems: [], queues: {} },
};

function wrong(change: Partial<Counted>): string[] {
  return closeBooks({ ...GOOD, ...change })
    .filter((row) => row.holds === false)
    .map((row) => row.what);
}

test("mails that arrived, arrived twice or are dead letters are accounted for", () => {
  assert.ok(allHold(closeBooks(GOOD)));
  const counts = Object.fromEntries(closeBooks(GOOD).map((row) => [row.what, row.count]));
  assert.equal(counts["arrived at the mail server"], 2);
  assert.equal(counts["arrived twice"], 1);
});

test("each thing that can be wrong is seen", () => {
  assert.deepEqual(wrong({ deadLetters: [] }), ["lost"]);
  assert.deepEqual(wrong({ arrivals: [mail("a"), mail("b"), mail("x")] }), ["nobody's"]);
  assert.deepEqual(wrong({ arrivals: [mail("a"), mail("b"), mail("a", "<other>")] }), [
    "copies with another Message-ID",
  ]);
  assert.deepEqual(wrong({ remains: { jobs: 1, problems: [], queues: {} } }), ["on disk after the kill"]);
  assert.deepEqual(wrong({ remains: { jobs: 2, problems: ["odd"], queues: {} } }), ["discrepancies on disk"]);
  assert.deepEqual(wrong({ acknowledged: [], arrivals: [], deadLetters: [] }), ["acknowledged with HTTP 202"]);
});

test("a request without an answer may have been stored", () => {
  assert.deepEqual(wrong({ unanswered: 1, arrivals: [mail("a"), mail("b"), mail("x")] }), []);
});
