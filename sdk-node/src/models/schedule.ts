// What the server knows of schedules, as plain values.
import { fromTimestamp, type Milliseconds, optionalDate, optionalMs } from "../durations.js";
import { JobSpec } from "../gen/rockqueue/v1/job.js";
import type * as schedules from "../gen/rockqueue/v1/schedule_service.js";
import type { PayloadCodec } from "../payloads.js";
import { type MisfirePolicy, type OverlapPolicy, policiesOf } from "../schedules/timing.js";
import { decoded } from "./job.js";

/** What a schedule pushes. */
export class ScheduledJob {
  readonly queue: string;
  readonly name: string;
  /** As the contract carries it. */
  readonly spec: JobSpec;
  readonly #codec: PayloadCodec;

  /** @internal */
  constructor(spec: JobSpec, codec: PayloadCodec) {
    this.queue = spec.queue;
    this.name = spec.name;
    this.spec = spec;
    this.#codec = codec;
  }

  /** The handler's input, decoded. Throws PayloadError. */
  get payload(): unknown {
    return decoded(this.#codec, this.spec.payload, this.spec.contentType);
  }
}

/** A schedule as the server knows it; durations are milliseconds, and what is undefined was not set. */
export interface Schedule {
  readonly name: string;
  readonly cron: string | undefined;
  readonly every: Milliseconds | undefined;
  readonly timeZone: string | undefined;
  readonly startTime: Date | undefined;
  readonly endTime: Date | undefined;
  readonly maxRuns: number | undefined;
  readonly jitter: Milliseconds | undefined;
  readonly misfire: MisfirePolicy | undefined;
  readonly catchUp: Milliseconds | undefined;
  readonly overlap: OverlapPolicy | undefined;
  /** What it pushes. */
  readonly job: ScheduledJob;
  /** True while no slot fires. */
  readonly paused: boolean;
  readonly createTime: Date;
  /** When it was last put. */
  readonly updateTime: Date;
  /** The next slot, without jitter; undefined when it is paused, or there are no more. */
  readonly nextTime: Date | undefined;
  /** The last slot that fired. */
  readonly lastSlotTime: Date | undefined;
  /** The job that was pushed last; empty for none. */
  readonly lastJobId: string;
  /** How many slots fired. */
  readonly runs: number;
  /** How many slots made no job, by policy. */
  readonly skipped: number;
  /** With the overlap policy "queue_one": the slot that waits for an earlier job to finish. */
  readonly queuedSlotTime: Date | undefined;
}

/** The message as a value. */
export function scheduleOf(message: schedules.Schedule | undefined, codec: PayloadCodec): Schedule {
  const spec = message?.spec;
  const timing = spec?.timing;
  return {
    name: spec?.name ?? "",
    cron: timing?.$case === "cron" ? timing.value : undefined,
    every: timing?.$case === "interval" ? optionalMs(timing.value) : undefined,
    timeZone: spec?.timeZone || undefined,
    startTime: optionalDate(spec?.startTime),
    endTime: optionalDate(spec?.endTime),
    maxRuns: spec?.maxRuns,
    jitter: optionalMs(spec?.jitter),
    ...policiesOf(spec ?? { misfire: 0, overlap: 0 }),
    catchUp: optionalMs(spec?.catchUp),
    job: new ScheduledJob(spec?.job ?? JobSpec.fromPartial({}), codec),
    paused: message?.paused ?? false,
    createTime: fromTimestamp(message?.createTime),
    updateTime: fromTimestamp(message?.updateTime),
    nextTime: optionalDate(message?.nextTime),
    lastSlotTime: optionalDate(message?.lastSlotTime),
    lastJobId: message?.lastJobId ?? "",
    runs: message?.runs ?? 0,
    skipped: message?.skipped ?? 0,
    queuedSlotTime: optionalDate(message?.queuedSlotTime),
  };
}
