// Schedules against the real server, on its virtual clock.
import { type Client, defineJob, PayloadError, ScheduleNotFound, Worker } from "rockqueue";
import { RockQueueServer } from "rockqueue/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const digest = defineJob({ name: "digest", queue: "mail", input: z.object({ to: z.string() }), tags: ["nightly"] });

let server: RockQueueServer;
let client: Client;
let name: string;
let count = 0;

beforeAll(async () => {
  server = await RockQueueServer.start();
  await server.freeze();
});

afterAll(async () => {
  await server.close();
});

beforeEach(() => {
  client = server.client({ logger: false });
  count += 1;
  name = `s-${count}`;
});

afterEach(async () => {
  for await (const schedule of client.schedules.list()) {
    await client.schedules.delete(schedule.name);
  }
  expect(await server.problems()).toEqual([]);
  await client.close();
});

it("a schedule pushes its job when it is due, and the handler knows the slot", async () => {
  const seen: unknown[] = [];
  const handler = digest.handle(({ to }, { origin }) => {
    seen.push([to, origin?.schedule, origin?.slotTime?.getTime()]);
  });
  await using worker = await new Worker(client, { jobs: [handler], sessionThread: false }).start();
  const made = await digest.schedule(client, "nightly", { to: "all" }, { every: MINUTE_MS, maxRuns: 1 });
  expect(made).toMatchObject({ name: "nightly", created: true, every: MINUTE_MS, maxRuns: 1, runs: 0, paused: false });
  expect([made.job.queue, made.job.name, made.job.payload]).toEqual(["mail", "digest", { to: "all" }]);
  await server.advance(MINUTE_MS);
  const { runs, lastJobId, nextTime, lastSlotTime } = await client.schedules.get("nightly");
  const job = await client.wait(lastJobId, { timeoutMs: 30_000 });
  expect([runs, nextTime, job.state]).toEqual([1, undefined, "COMPLETED"]);
  expect(job.origin).toEqual({ schedule: "nightly", slotTime: lastSlotTime, flowId: "", flowNode: "" });
  expect(seen).toEqual([["all", "nightly", made.nextTime?.getTime()]]);
  expect(worker.state).toBe("RUNNING");
});

it("a schedule that is put again is replaced, and keeps its pause", async () => {
  const timing = { cron: "0 3 * * *", timeZone: "Europe/London" };
  await digest.schedule(client, name, { to: "a" }, timing);
  expect((await client.schedules.pause(name)).nextTime).toBeUndefined();
  const put = await client.schedules.put(name, digest.new({ to: "b" }), {
    ...timing,
    overlap: "skip",
    misfire: "skip",
  });
  expect(put).toMatchObject({ created: false, paused: true, overlap: "skip", misfire: "skip", ...timing });
  expect((await client.schedules.resume(name)).nextTime?.getUTCMinutes()).toBe(0);
});

it("a payload that does not fit its schema is not scheduled", async () => {
  const put = digest.schedule(client, name, { to: 7 as unknown as string }, { cron: "@daily" });
  await expect(put).rejects.toThrow(PayloadError);
  await expect(client.schedules.get(name)).rejects.toThrow(ScheduleNotFound);
});

it("slots are fired by hand, made up for, and looked at beforehand", async () => {
  await digest.schedule(client, name, { to: "a" }, { cron: "@daily" });
  const id = await client.schedules.trigger(name);
  expect((await client.get(id ?? "")).origin?.schedule).toBe(name);
  const fromTime = new Date("2026-01-02T00:00:00Z");
  const ids = await client.schedules.backfill(name, {
    fromTime,
    beforeTime: new Date(fromTime.getTime() + 3 * DAY_MS),
  });
  expect(ids.length).toBe(3);
  expect((await client.get(ids[1] ?? "")).origin?.slotTime).toEqual(new Date("2026-01-03T00:00:00Z"));
  const next = await client.schedules.preview(name, { afterTime: fromTime, count: 2 });
  expect(next).toEqual([new Date("2026-01-03T00:00:00Z"), new Date("2026-01-04T00:00:00Z")]);
  const winter = { cron: "30 1 * * *", timeZone: "Europe/London" };
  const slots = await client.schedules.preview(winter, { afterTime: new Date("2026-03-28T12:00:00Z"), count: 2 });
  expect(slots).toEqual([new Date("2026-03-29T01:00:00Z"), new Date("2026-03-30T00:30:00Z")]);
});

it("a trigger that the overlap policy does not allow pushes nothing", async () => {
  await client.schedules.put(name, digest.new({ to: "a" }), { cron: "@daily", overlap: "skip" });
  expect(await client.schedules.trigger(name)).toBeTypeOf("string");
  expect(await client.schedules.trigger(name)).toBeUndefined();
});

it("jobs and events are found by their schedule", async () => {
  await digest.schedule(client, name, { to: "a" }, { cron: "@daily" });
  await using events = await client.events({ schedules: [name] }).start();
  await client.push("mail", "digest", { to: "by hand" });
  const id = await client.schedules.trigger(name);
  const jobs: string[] = [];
  for await (const job of client.list({ schedule: name })) {
    jobs.push(job.id);
  }
  expect(jobs).toEqual([id]);
  const types = [await events.next(), await events.next()].map(({ value }) => [value?.type, value?.schedule]);
  expect(types.sort()).toEqual([
    ["JOB_PUSHED", name],
    ["SCHEDULE_FIRED", name],
  ]);
});
