import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { Settlement, WorkRequest, WorkResponse } from "../../src/gen/rockqueue/v1/work_service.js";
import { Outbox } from "../../src/session/outbox.js";
import { deliveriesOf, deliveryKeys, SETTLEMENT_TAG } from "../../src/session/wire.js";
import { completed } from "../../src/worker/outcomes.js";
import { delivery, leaseOf } from "../support/talk.js";

function batch(...leases: string[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const lease of leases) {
    const settlement = completed(Buffer.from(lease), Buffer.from("1"), "application/json", []);
    Settlement.encode(settlement, writer.uint32(SETTLEMENT_TAG).fork()).join();
  }
  return writer.finish();
}

function read(request: Uint8Array): { sequence: number; credits: number; leases: string[] } {
  const { message } = WorkRequest.decode(request);
  if (message?.$case !== "settlements") {
    throw new Error(`expected settlements, got ${message?.$case}`);
  }
  const { sequence, credits, settlements } = message.value;
  return { sequence, credits, leases: settlements.map(leaseOf) };
}

const answer = (sequence: number, ...indexes: number[]) => ({
  sequence,
  failures: indexes.map((index) => ({
    index,
    status: { code: 9, reason: "LEASE_LOST", message: "", metadata: {}, violations: [] },
  })),
});

describe("the outbox", () => {
  it("puts what came in parts into one batch, with the credits", () => {
    const outbox = new Outbox();
    expect(outbox.add(batch("a", "b"))).toEqual(["a", "b"]);
    outbox.add(batch("c"));
    expect(read(outbox.takeBatch(() => 3))).toEqual({ sequence: 1, credits: 3, leases: ["a", "b", "c"] });
    expect(outbox.idle).toBe(false);
    expect(outbox.answered(answer(1))).toEqual([]);
    expect(outbox.idle).toBe(true);
  });

  it("keeps batches within the limits of entries and bytes", () => {
    const outbox = new Outbox();
    for (let part = 0; part < 3; part += 1) {
      outbox.add(batch(...Array.from({ length: 500 }, (_, index) => `${part}-${index}`)));
    }
    expect(read(outbox.takeBatch(() => 0)).leases.length).toBe(1000);
    expect(read(outbox.takeBatch(() => 0)).leases.length).toBe(500);
  });

  it("sends what was not answered again, first and in order", () => {
    const outbox = new Outbox();
    outbox.add(batch("a"));
    outbox.takeBatch(() => 0);
    outbox.add(batch("b"));
    outbox.takeBatch(() => 0);
    outbox.add(batch("c"));
    outbox.streamEnded();
    expect(outbox.leases).toEqual(["a", "b", "c"]);
    expect(read(outbox.takeBatch(() => 0)).leases).toEqual(["a", "b", "c"]);
  });

  it("drops lost leases, and nothing else", () => {
    const outbox = new Outbox();
    outbox.add(batch("a", "b", "c"));
    outbox.add(batch("d"));
    expect(outbox.drop(new Set(["b", "d", "x"]))).toEqual(["b", "d"]);
    expect(read(outbox.takeBatch(() => 0)).leases).toEqual(["a", "c"]);
  });

  it("names the settlement that the server refused", () => {
    const outbox = new Outbox();
    outbox.add(batch("a"));
    outbox.add(batch("b", "c"));
    outbox.takeBatch(() => 0);
    const [refused] = outbox.answered(answer(1, 2));
    expect(refused && leaseOf(refused.settlement)).toBe("c");
    expect(outbox.answered(answer(1, 0))).toEqual([]);
  });

  it("puts the reports of a job together, and keeps the last lines", () => {
    const outbox = new Outbox();
    const leaseToken = Buffer.from("a");
    outbox.report({ leaseToken, percent: 10, message: "begun", logLines: ["one"] });
    outbox.report({ leaseToken, percent: 20, logLines: Array.from({ length: 1000 }, (_, index) => `line ${index}`) });
    const [[report] = []] = outbox.takeReports();
    expect(report).toMatchObject({ percent: 20, message: "begun" });
    expect(report?.logLines.length).toBe(1000);
    expect(report?.logLines.at(-1)).toBe("line 999");
    expect(outbox.hasReports).toBe(false);
  });
});

it("reads the leases of deliveries without reading the jobs", () => {
  const value = { deliveries: [delivery(1), delivery(2)] };
  const deliveries = deliveriesOf(WorkResponse.encode({ message: { $case: "deliveries", value } }).finish());
  expect(deliveries && deliveryKeys(deliveries)).toEqual(["t1", "t2"]);
  const heartbeat = WorkResponse.encode({ message: { $case: "heartbeat", value: { sequence: 1 } } }).finish();
  expect(deliveriesOf(heartbeat)).toBeUndefined();
});
