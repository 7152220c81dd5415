// Jobs put together: one after the other, side by side, or many before one. Without names or edges; `Flow.add` makes those.
import type { NewJob } from "../options.js";
import type { ParentFailurePolicy } from "./policy.js";

/** A job of a flow with what else is to be said of it. */
export interface FlowStepOptions {
  job: NewJob;
  /** Its local name, by which `ctx.parents()` knows it. @defaultValue the name of the job, with a number where that is taken */
  name?: string;
  /** What becomes of it when a parent does not complete. @defaultValue the flow's `onParentFailure` */
  onFailure?: ParentFailurePolicy;
}

/** A job, or several that were put together. */
export type FlowStep = NewJob | FlowStepOptions | FlowPart;

/** Several steps put together, made by `chain`, `group` and `join`. */
export interface FlowPart {
  readonly kind: "chain" | "group";
  readonly steps: readonly FlowStep[];
}

/** True for what `chain`, `group` and `join` made. */
export function isPart(step: FlowStep): step is FlowPart {
  return "steps" in step;
}

/**
 * One step after the other: each waits for all that the one before ends with.
 *
 * @example
 * flow.add(chain(download.new({ url }), group(resize.new({ width: 100 }), resize.new({ width: 800 })), publish.new({})));
 */
export function chain(...steps: readonly FlowStep[]): FlowPart {
  return { kind: "chain", steps };
}

/**
 * Steps side by side: they wait for the same, and what follows waits for all of them. One by one, or a list of them:
 * `group(pages.map((page) => render.new({ page })))`.
 */
export function group(...steps: readonly (FlowStep | Iterable<FlowStep>)[]): FlowPart {
  return { kind: "group", steps: steps.flatMap((step) => (Symbol.iterator in step ? [...step] : [step])) };
}

/** Steps side by side, and one that waits for all of them: `join(mails, report.new({}))`. */
export function join(steps: Iterable<FlowStep>, last: FlowStep): FlowPart {
  return chain(group(steps), last);
}
