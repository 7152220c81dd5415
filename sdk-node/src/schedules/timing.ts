// When a schedule fires, and what it pushes: as users write it, and as the contract carries it.
import { type Milliseconds, toDuration, toTimestamp } from "../durations.js";
import type { JobSpec } from "../gen/rockqueue/v1/job.js";
import {
  MisfirePolicy as Misfire,
  OverlapPolicy as Overlap,
  type ScheduleSpec,
} from "../gen/rockqueue/v1/schedule_service.js";
import { buildSpec, choice, type NewJob } from "../options.js";
import type { PayloadCodec } from "../payloads.js";

/**
 * What becomes of slots that could not be fired in time: one job for all of them, one for each (the last 100), or none.
 */
export type MisfirePolicy = "fire_once" | "fire_all" | "skip";

/**
 * What becomes of a slot while an earlier job of the schedule is not finished: it fires all the same, makes no job, fires
 * when that job is finished, or cancels that job and fires at once.
 */
export type OverlapPolicy = "allow" | "skip" | "queue_one" | "cancel_running";

/** When a schedule fires: `cron` or `every` is needed. Durations are milliseconds. */
export interface Timing {
  /** Five fields, or six with the second before them; or `@daily` and the like. Excludes `every`. */
  cron?: string;
  /** Every so often, from `startTime` on: 1,000 (1 s) to 366 days. Excludes `cron`. */
  every?: Milliseconds;
  /** The IANA time zone in which `cron` is read, such as "Europe/London". @defaultValue "UTC" */
  timeZone?: string;
  /** No slot before this moment. */
  startTime?: Date;
  /** No slot at or after this moment. */
  endTime?: Date;
  /** After so many slots have fired there are no more. @defaultValue no limit */
  maxRuns?: number;
  /** Each slot fires up to this long late, by a time drawn anew for each. @defaultValue 0 */
  jitter?: Milliseconds;
  /** What becomes of slots that were missed because the server was down. @defaultValue "fire_once" */
  misfire?: MisfirePolicy;
  /** Missed slots that are older than this make no job. @defaultValue 86400000 (24 h) */
  catchUp?: Milliseconds;
  /** What becomes of a slot while an earlier job of the schedule is not finished. @defaultValue "allow" */
  overlap?: OverlapPolicy;
}

const MISFIRES = {
  fire_once: Misfire.MISFIRE_POLICY_FIRE_ONCE,
  fire_all: Misfire.MISFIRE_POLICY_FIRE_ALL,
  skip: Misfire.MISFIRE_POLICY_SKIP,
} satisfies Record<MisfirePolicy, Misfire>;
const OVERLAPS = {
  allow: Overlap.OVERLAP_POLICY_ALLOW,
  skip: Overlap.OVERLAP_POLICY_SKIP,
  queue_one: Overlap.OVERLAP_POLICY_QUEUE_ONE,
  cancel_running: Overlap.OVERLAP_POLICY_CANCEL_RUNNING,
} satisfies Record<OverlapPolicy, Overlap>;

const OPTIONS = ["cron", "every", "timeZone", "startTime", "endTime", "maxRuns", "jitter", "misfire", "catchUp"];
const KNOWN = new Set([...OPTIONS, "overlap"]);

/**
 * The timing as the contract carries it, under a name and with a job where there are some. Throws TypeError and RangeError for
 * options that make no sense on their own; what only the server can judge is left to it.
 */
export function toSchedule(timing: Timing, name: string, job: JobSpec | undefined): ScheduleSpec {
  for (const option of Object.keys(timing)) {
    if (!KNOWN.has(option)) {
      throw new TypeError(`unknown option "${option}" of a schedule; there are: ${[...KNOWN].join(", ")}`);
    }
  }
  const { timeZone = "", startTime, endTime, maxRuns, jitter, misfire, catchUp, overlap } = timing;
  return {
    name,
    timing: timingOf(timing),
    timeZone,
    startTime: startTime && toTimestamp(startTime, "startTime"),
    endTime: endTime && toTimestamp(endTime, "endTime"),
    maxRuns,
    jitter: jitter === undefined ? undefined : toDuration(jitter, "jitter"),
    misfire: misfire === undefined ? Misfire.MISFIRE_POLICY_UNSPECIFIED : choice(MISFIRES, misfire, "misfire"),
    catchUp: catchUp === undefined ? undefined : toDuration(catchUp, "catchUp"),
    overlap: overlap === undefined ? Overlap.OVERLAP_POLICY_UNSPECIFIED : choice(OVERLAPS, overlap, "overlap"),
    job,
  };
}

/** The job of a schedule as the contract carries it. Throws a TypeError for options that a job of a schedule cannot have. */
export function scheduledJob(job: NewJob, codec: PayloadCodec): JobSpec {
  for (const option of ["runTime", "expireTime", "unique"] as const) {
    if (job[option] !== undefined) {
      throw new TypeError(`the job of a schedule cannot have ${option}; delay and ttl count from each push`);
    }
  }
  return buildSpec(job, codec);
}

/** The words for the policies of a schedule; undefined for what is the server's default, or newer than this version. */
export function policiesOf({ misfire, overlap }: Pick<ScheduleSpec, "misfire" | "overlap">): {
  misfire: MisfirePolicy | undefined;
  overlap: OverlapPolicy | undefined;
} {
  return { misfire: wordFor(MISFIRES, misfire), overlap: wordFor(OVERLAPS, overlap) };
}

function timingOf({ cron, every }: Timing): ScheduleSpec["timing"] {
  if ((cron === undefined) === (every === undefined)) {
    throw new TypeError('a schedule needs one of cron ("0 3 * * *") and every (60_000)');
  }
  if (cron !== undefined) {
    return { $case: "cron", value: cron };
  }
  return { $case: "interval", value: toDuration(every as number, "every") };
}

function wordFor<Word extends string>(table: Readonly<Record<Word, number>>, value: number): Word | undefined {
  return (Object.keys(table) as Word[]).find((word) => table[word] === value);
}
