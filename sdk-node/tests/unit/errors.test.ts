import { createRequire } from "node:module";
import * as rockqueue from "rockqueue";
import { JobNotFound, NonRetryable, NotFound, Outcome, QueueFull, RockQueueError } from "rockqueue";
import { describe, expect, it } from "vitest";
import { makeError } from "../../src/calls/status.js";

const twin = createRequire(import.meta.url)("../../dist/cjs/index.js") as typeof rockqueue;

describe("an error", () => {
  it("is chosen by its reason, then by its code", () => {
    const named = (code: rockqueue.Code, reason: string): string => makeError(code, "…", { reason }).name;
    expect(named("NOT_FOUND", "JOB_NOT_FOUND")).toBe("JobNotFound");
    expect(named("RESOURCE_EXHAUSTED", "A_REASON_OF_LATER_DAYS")).toBe("ResourceExhausted");
    expect(named("DATA_LOSS", "")).toBe("ServerError");
  });

  it("is an instance of its class and of those above, and of no other", () => {
    const error = new JobNotFound("no such job", { metadata: { job_id: "1" } });
    expect(error).toBeInstanceOf(NotFound);
    expect(error).toBeInstanceOf(RockQueueError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(QueueFull);
    expect([error.name, error.code, error.metadata.job_id]).toEqual(["JobNotFound", "NOT_FOUND", "1"]);
  });

  it("is known by another copy of the package", () => {
    const error = new twin.JobNotFound("no such job");
    expect(error).toBeInstanceOf(NotFound);
    expect(error).not.toBeInstanceOf(QueueFull);
    expect(new twin.NonRetryable("no")).toBeInstanceOf(NonRetryable);
    expect(new twin.NonRetryable("no")).toBeInstanceOf(Outcome);
  });

  it("is not mistaken for a class that a user derived", () => {
    class Mine extends NonRetryable {}
    expect(new NonRetryable("no")).not.toBeInstanceOf(Mine);
    expect(new Mine("no")).toBeInstanceOf(Mine);
    expect(new Mine("no").name).toBe("NonRetryable");
  });

  it("has a cause, and clones with all it knows", () => {
    const cause = new Error("why");
    const error = new QueueFull("full", { cause, retryAfterMs: 100, metadata: { queue: "q" }, requestId: "r" });
    const twinned = error.clone("still full");
    expect(twinned).toMatchObject({ message: "still full", cause, retryAfterMs: 100, metadata: { queue: "q" } });
    expect(twinned.metadata).not.toBe(error.metadata);
    expect(twinned).toBeInstanceOf(QueueFull);
  });
});

it("exports what the documentation names, and nothing by accident", () => {
  expect(Object.keys(rockqueue).sort()).toMatchInlineSnapshot(`
    [
      "BackupExists",
      "BackupsOff",
      "Client",
      "ClientClosed",
      "CursorExpired",
      "DeadlineExceeded",
      "EmbeddedError",
      "EventStream",
      "Flow",
      "FlowCycle",
      "FlowNotFound",
      "HandlerStopped",
      "InvalidRequest",
      "InvalidState",
      "JSON_CODEC",
      "Job",
      "JobCancelled",
      "JobContext",
      "JobDefinition",
      "JobFailed",
      "JobNotFound",
      "LeaseLost",
      "LimitExceeded",
      "NonRetryable",
      "NotFound",
      "Outcome",
      "Overloaded",
      "ParentJob",
      "PayloadError",
      "QueueFull",
      "QueueNotFound",
      "Release",
      "ResourceExhausted",
      "RetryAfter",
      "RockQueueError",
      "ScheduleNotFound",
      "ScheduledJob",
      "ServerError",
      "Snooze",
      "StorageFull",
      "Unavailable",
      "UniqueConflict",
      "VERSION",
      "WebhookDeliveryNotFound",
      "WebhookNotFound",
      "WebhookVerificationError",
      "Worker",
      "chain",
      "defineJob",
      "group",
      "join",
      "retryPause",
    ]
  `);
  expect(Object.keys(twin).sort()).toEqual(Object.keys(rockqueue).sort());
});
