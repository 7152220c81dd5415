// Changes of all jobs that match: step by step, to the end.
import { Client } from "rockqueue";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { RetryJobsRequest } from "../../src/gen/rockqueue/v1/job_service.js";
import { ScriptedServer } from "../support/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = new Client(server.url, { logger: false });
});

afterEach(async () => {
  await client.close();
  server.close();
});

const STEPS = [
  { affected: 7, more: true, nextPageToken: "t1", examined: 10_000 },
  { affected: 0, more: true, nextPageToken: "t2", examined: 10_000 },
  { affected: 2, more: false, examined: 5 },
];

it.each([true, false])("each step goes on where the one before ended (dry run: %s)", async (dryRun) => {
  server.answer("RetryJobs", ...STEPS);
  const told: number[] = [];
  const wanted = { queue: "q", group: "g", flowId: "f", schedule: "s" };
  const options = { ...wanted, intoQueue: "other", dryRun, onProgress: (changed: number) => told.push(changed) };
  expect(await client.retryAll(options)).toBe(9);
  expect(told).toEqual([7, 7, 9]);
  const requests = server.of<RetryJobsRequest>("RetryJobs");
  expect(requests.map(({ pageToken }) => pageToken)).toEqual(["", "t1", "t2"]);
  expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(3);
  for (const request of requests) {
    expect(request).toMatchObject({ dryRun, queue: "other", target: { $case: "filter", value: wanted } });
  }
});

it("a dry run of a server without page tokens ends after its first step", async () => {
  server.answer("DeleteJobs", { affected: 10_000, more: true });
  expect(await client.deleteAll({ dryRun: true })).toBe(10_000);
  expect(server.of("DeleteJobs").length).toBe(1);
});
