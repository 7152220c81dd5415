// Jobs that come again and again: `client.schedules`.
import { type CallOptions, newRequestId } from "../calls/caller.js";
import { scheduleMethods } from "../calls/methods.js";
import { everyPage } from "../calls/pages.js";
import type { ClientParts } from "../client.js";
import { fromTimestamp, toTimestamp } from "../durations.js";
import type { PreviewScheduleRequest } from "../gen/rockqueue/v1/schedule_service.js";
import { type Schedule, scheduleOf } from "../models/schedule.js";
import type { NewJob } from "../options.js";
import { scheduledJob, type Timing, toSchedule } from "./timing.js";

const PAGE = 100;

/** A schedule that was put. */
export interface PutSchedule extends Schedule {
  /** True when there was none of this name. */
  readonly created: boolean;
}

/** Which slots to return, and of what; see `Schedules.preview`. */
export interface PreviewOptions extends CallOptions {
  /** Slots after this moment. @defaultValue now */
  afterTime?: Date;
  /** How many, 1 to 1,000. @defaultValue 5 */
  count?: number;
}

/** Looks after schedules. */
export class Schedules {
  readonly #parts: () => ClientParts;

  /** @internal */
  constructor(parts: () => ClientParts) {
    this.#parts = parts;
  }

  /**
   * Makes a schedule that pushes `job`, or replaces the one of this name, which keeps its counts and its pause. So a program
   * can put its schedules each time it starts. The job cannot have `runTime`, `expireTime` or `unique`.
   *
   * @example
   * await client.schedules.put("nightly", digest.new({}), { cron: "0 3 * * *", timeZone: "Europe/London" });
   */
  async put(name: string, job: NewJob, timing: Timing, options?: CallOptions): Promise<PutSchedule> {
    const { caller, codec } = this.#parts();
    const request = { requestId: newRequestId(), schedule: toSchedule(timing, name, scheduledJob(job, codec)) };
    const { schedule, created } = await caller.call(scheduleMethods.putSchedule, request, options);
    return { ...scheduleOf(schedule, codec), created };
  }

  /** One schedule. Rejects with ScheduleNotFound. */
  async get(name: string, options?: CallOptions): Promise<Schedule> {
    const { caller, codec } = this.#parts();
    return scheduleOf((await caller.call(scheduleMethods.getSchedule, { name }, options)).schedule, codec);
  }

  /** All schedules whose name begins with `prefix`, by name, fetched a page at a time. */
  list({ prefix = "", ...options }: { prefix?: string } & CallOptions = {}): AsyncGenerator<Schedule, void, void> {
    const request = { pageSize: PAGE, prefix };
    return everyPage(
      () => this.#parts().caller,
      scheduleMethods.listSchedules,
      request,
      options,
      ({ schedules }) => schedules.map((one) => scheduleOf(one, this.#parts().codec)),
    );
  }

  /** Removes a schedule; the jobs that it pushed stay. Rejects with ScheduleNotFound. */
  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#parts().caller.call(scheduleMethods.deleteSchedule, { requestId: newRequestId(), name }, options);
  }

  /** Lets no slot fire until `resume`; slots that pass meanwhile make no jobs. Rejects with ScheduleNotFound. */
  async pause(name: string, options?: CallOptions): Promise<Schedule> {
    const { caller, codec } = this.#parts();
    const request = { requestId: newRequestId(), name };
    return scheduleOf((await caller.call(scheduleMethods.pauseSchedule, request, options)).schedule, codec);
  }

  /** Goes on with the first slot after now. Rejects with ScheduleNotFound. */
  async resume(name: string, options?: CallOptions): Promise<Schedule> {
    const { caller, codec } = this.#parts();
    const request = { requestId: newRequestId(), name };
    return scheduleOf((await caller.call(scheduleMethods.resumeSchedule, request, options)).schedule, codec);
  }

  /**
   * Fires now, paused or not, and changes nothing of the slots to come. Resolves to the id of the job; undefined when the
   * overlap policy let none be pushed. Rejects with ScheduleNotFound.
   */
  async trigger(name: string, options?: CallOptions): Promise<string | undefined> {
    const request = { requestId: newRequestId(), name };
    const { jobId } = await this.#parts().caller.call(scheduleMethods.triggerSchedule, request, options);
    return jobId === "" ? undefined : jobId;
  }

  /**
   * Pushes one job for each slot from `fromTime` on and before `beforeTime`, all at once, whatever was fired before, and
   * resolves to their ids, by slot. Rejects with LimitExceeded for more than 1,000 slots, and with ScheduleNotFound.
   */
  async backfill(
    name: string,
    { fromTime, beforeTime, ...options }: { fromTime: Date; beforeTime: Date } & CallOptions,
  ): Promise<readonly string[]> {
    const request = {
      requestId: newRequestId(),
      name,
      fromTime: toTimestamp(fromTime, "fromTime"),
      beforeTime: toTimestamp(beforeTime, "beforeTime"),
    };
    return (await this.#parts().caller.call(scheduleMethods.backfillSchedule, request, options)).jobIds;
  }

  /**
   * The next slots of a schedule, by its name, or of a timing that could be put; without jitter. Fewer than `count` when there
   * are no more. Rejects with ScheduleNotFound.
   *
   * @example
   * await client.schedules.preview({ cron: "30 1 * * *", timeZone: "Europe/London" }, { count: 3 });
   */
  async preview(
    schedule: string | Timing,
    { afterTime, count = 0, ...options }: PreviewOptions = {},
  ): Promise<readonly Date[]> {
    const request = {
      target: previewTarget(schedule),
      afterTime: afterTime && toTimestamp(afterTime, "afterTime"),
      count,
    };
    return (await this.#parts().caller.call(scheduleMethods.previewSchedule, request, options)).slots.map(
      fromTimestamp,
    );
  }
}

function previewTarget(schedule: string | Timing): PreviewScheduleRequest["target"] {
  if (typeof schedule === "string") {
    return { $case: "name", value: schedule };
  }
  return { $case: "schedule", value: toSchedule(schedule, "", undefined) };
}
