// Which handler works on which kind of job, and how it is called.
import type { HandledJob, JobHandler } from "../jobs.js";
import { aroundHandler, type Handle, type Middleware } from "../middleware.js";

/** Functions by the name of the job, for jobs without a definition. */
// biome-ignore lint/suspicious/noExplicitAny: a handler may name the type of payload that it expects
export type Handlers = Readonly<Record<string, JobHandler<any, unknown>>>;

/** The handlers by name of job. Throws a TypeError for a name that is there twice, or when there are none. */
export function buildHandlers(
  jobs: readonly HandledJob[],
  handlers: Handlers,
  middleware: readonly Middleware[],
): Map<string, Handle> {
  const found = new Map<string, Handle>();
  const add = (name: string, run: (payload: unknown, ctx: Parameters<Handle>[0]) => unknown): void => {
    if (found.has(name)) {
      throw new TypeError(`two handlers for jobs called "${name}"; give one of the jobs another name`);
    }
    found.set(
      name,
      aroundHandler(middleware, (ctx) => run(ctx.payload, ctx)),
    );
  };
  for (const job of jobs) {
    if (typeof job.run !== "function") {
      throw new TypeError(`the job "${job.name}" has no handler: pass definition.handle(async (payload, ctx) => …)`);
    }
    add(job.name, job.run);
  }
  for (const [name, handler] of Object.entries(handlers)) {
    add(name, handler);
  }
  if (found.size === 0) {
    throw new TypeError("a worker needs jobs: [...] or handlers: {...}");
  }
  return found;
}

/** The queues to work on. Throws a TypeError when there are none. */
export function queuesOf(jobs: readonly HandledJob[], queues: readonly string[] | undefined): string[] {
  if (typeof queues === "string") {
    throw new TypeError(`queues must be an array of names, not the string "${queues}"`);
  }
  const chosen = [...new Set(queues ?? jobs.map((job) => job.queue))];
  if (chosen.length === 0) {
    throw new TypeError("a worker with handlers: {...} needs queues: [...]");
  }
  return chosen;
}
