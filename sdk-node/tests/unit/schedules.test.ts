import type { Timing } from "rockqueue";
import { describe, expect, it } from "vitest";
import { JobSpec } from "../../src/gen/rockqueue/v1/job.js";
import { Schedule } from "../../src/gen/rockqueue/v1/schedule_service.js";
import { scheduleOf } from "../../src/models/schedule.js";
import { JSON_CODEC } from "../../src/payloads.js";
import { scheduledJob, toSchedule } from "../../src/schedules/timing.js";

const job = JobSpec.fromPartial({
  queue: "q",
  name: "n",
  payload: Buffer.from('{"a":1}'),
  contentType: "application/json",
});
const moment = new Date("2030-01-01T00:00:00Z");
const seconds = 1_893_456_000;
const all: Timing = {
  cron: "30 3 * * 1-5",
  timeZone: "Europe/London",
  startTime: moment,
  endTime: new Date("2031-01-01T00:00:00Z"),
  maxRuns: 7,
  jitter: 1500,
  misfire: "fire_all",
  catchUp: 7_200_000,
  overlap: "queue_one",
};

describe("the timing of a schedule", () => {
  it("is carried whole", () => {
    expect(toSchedule(all, "s", job)).toEqual({
      name: "s",
      timing: { $case: "cron", value: "30 3 * * 1-5" },
      timeZone: "Europe/London",
      startTime: { seconds, nanos: 0 },
      endTime: { seconds: seconds + 365 * 86_400, nanos: 0 },
      maxRuns: 7,
      jitter: { seconds: 1, nanos: 500_000_000 },
      misfire: 2,
      catchUp: { seconds: 7_200, nanos: 0 },
      overlap: 3,
      job,
    });
  });

  it("leaves to the server what is not given", () => {
    expect(toSchedule({ every: 60_000 }, "s", job)).toEqual({
      name: "s",
      timing: { $case: "interval", value: { seconds: 60, nanos: 0 } },
      timeZone: "",
      misfire: 0,
      overlap: 0,
      job,
    });
  });

  it("comes back as it was put", () => {
    const message = Schedule.fromPartial({ spec: toSchedule(all, "s", job), paused: true, runs: 3, lastJobId: "j" });
    const { job: pushed, ...schedule } = scheduleOf(message, JSON_CODEC);
    expect(schedule).toMatchObject({ name: "s", ...all, every: undefined, paused: true, runs: 3, lastJobId: "j" });
    expect([pushed.queue, pushed.name, pushed.payload]).toEqual(["q", "n", { a: 1 }]);
    const plain = scheduleOf(Schedule.fromPartial({ spec: toSchedule({ every: 1500 }, "s", job) }), JSON_CODEC);
    expect(plain).toMatchObject({ every: 1500, cron: undefined, timeZone: undefined, misfire: undefined });
  });

  it.each<[string, Timing, typeof TypeError]>([
    ["neither cron nor every", {}, TypeError],
    ["both cron and every", { cron: "@daily", every: 1 }, TypeError],
    ["an interval that is no number", { every: "1m" as unknown as number }, RangeError],
    ["an unknown policy", { cron: "@daily", overlap: "replace" as "skip" }, TypeError],
    ["an unknown misfire policy", { cron: "@daily", misfire: "toString" as "skip" }, TypeError],
    ["an unknown option", { cron: "@daily", timezone: "UTC" } as Timing, TypeError],
    ["a moment that is no date", { cron: "@daily", startTime: 7 as unknown as Date }, TypeError],
  ])("cannot have %s", (_, timing, error) => {
    expect(() => toSchedule(timing, "s", job)).toThrow(error);
  });

  it.each(["runTime", "expireTime", "unique"])("has a job without %s", (option) => {
    const given = { queue: "q", name: "n", runTime: undefined, [option]: option === "unique" ? "k" : moment };
    expect(() => scheduledJob(given, JSON_CODEC)).toThrow(option);
  });
});
