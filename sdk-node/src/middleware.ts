// What stands around every push and every handler: tracing, metrics, defaults of a program's own.
import type { PushedJob } from "./models/job.js";
import type { NewJob } from "./options.js";
import type { JobContext } from "./worker/context.js";

/** Goes on with a push, perhaps with other jobs than were given. */
export type NextPush = (jobs: readonly NewJob[]) => Promise<PushedJob[]>;

/**
 * What a program adds to its pushes and handlers. The first of a list is the outermost.
 *
 * @example
 * const timing: Middleware = {
 *   async handle(ctx, next) {
 *     const begun = performance.now();
 *     try {
 *       return await next();
 *     } finally {
 *       console.log(ctx.name, performance.now() - begun);
 *     }
 *   },
 * };
 */
export interface Middleware {
  /** Around `push` (one job) and `pushMany`: resolves to what became of each of the jobs. */
  push?(jobs: readonly NewJob[], next: NextPush): Promise<PushedJob[]>;
  /** Around a handler: resolves to its result, and throws what its job should end with. */
  handle?(ctx: JobContext, next: () => Promise<unknown>): Promise<unknown>;
}

/** The push middlewares of a list around `last`; undefined when there are none. */
export function aroundPush(middleware: readonly Middleware[], last: NextPush): NextPush | undefined {
  const wrapping = middleware.filter((one) => one.push !== undefined);
  if (wrapping.length === 0) {
    return undefined;
  }
  return wrapping.reduceRight<NextPush>((next, one) => async (jobs) => one.push?.(jobs, next) ?? next(jobs), last);
}

/** Calls a handler. */
export type Handle = (ctx: JobContext) => unknown;

/** The handler middlewares of a list around `last`. */
export function aroundHandler(middleware: readonly Middleware[], last: Handle): Handle {
  const wrapping = middleware.filter((one) => one.handle !== undefined);
  return wrapping.reduceRight<Handle>((next, one) => (ctx) => one.handle?.(ctx, async () => next(ctx)), last);
}
