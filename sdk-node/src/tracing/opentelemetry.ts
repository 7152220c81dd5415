/**
 * Spans for pushes and handlers, joined through the jobs' headers. Needs `@opentelemetry/api`.
 *
 * @packageDocumentation
 */
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Middleware } from "../middleware.js";
import type { NewJob } from "../options.js";
import { VERSION } from "../version.js";
import type { JobContext } from "../worker/context.js";
import { Outcome, Release, Snooze } from "../worker/outcomes.js";

/** Options of the tracing middleware. */
export interface OpenTelemetryOptions {
  /** Where spans begin. @defaultValue the global tracer provider's tracer "rockqueue" */
  tracer?: Tracer;
}

/**
 * A middleware that traces: a producer span for each push, whose context travels in the job's headers (`traceparent`), and a
 * consumer span for each run of a handler, which is its child.
 *
 * @example
 * const client = new Client(url, { middleware: [openTelemetry()] });
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Middleware {
  const tracer = (): Tracer => options.tracer ?? trace.getTracer("rockqueue", VERSION);
  return {
    async push(jobs, next) {
      const [first] = jobs;
      const attributes = producerAttributes(jobs);
      const span = tracer().startSpan(`send ${first?.queue ?? ""}`, { kind: SpanKind.PRODUCER, attributes });
      const active = trace.setSpan(context.active(), span);
      return inSpan(span, active, async () => {
        const pushed = await next(jobs.map((job) => withContext(job, active)));
        if (pushed.length === 1) {
          span.setAttribute("messaging.message.id", pushed[0]?.id ?? "");
        }
        return pushed;
      });
    },

    async handle(ctx, next) {
      const parent = propagation.extract(context.active(), ctx.headers);
      const attributes = consumerAttributes(ctx);
      const span = tracer().startSpan(`process ${ctx.queue}`, { kind: SpanKind.CONSUMER, attributes }, parent);
      return inSpan(span, trace.setSpan(parent, span), next);
    },
  };
}

async function inSpan<T>(span: Span, active: Context, run: () => Promise<T>): Promise<T> {
  try {
    return await context.with(active, run);
  } catch (error) {
    if (error instanceof Snooze || error instanceof Release) {
      span.setAttribute("rockqueue.outcome", error.name);
    } else {
      const message = error instanceof Error ? error.message : String(error);
      span.recordException(error instanceof Error || error instanceof Outcome ? error : message);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    throw error;
  } finally {
    span.end();
  }
}

function withContext(job: NewJob, active: Context): NewJob {
  const headers = { ...job.headers };
  propagation.inject(active, headers);
  return { ...job, headers };
}

function producerAttributes(jobs: readonly NewJob[]): Attributes {
  const [first] = jobs;
  return {
    "messaging.system": "rockqueue",
    "messaging.operation.name": "push",
    "messaging.operation.type": "send",
    "messaging.destination.name": first?.queue ?? "",
    "messaging.batch.message_count": jobs.length,
    ...(jobs.length === 1 && { "rockqueue.job.name": first?.name }),
  };
}

function consumerAttributes(ctx: JobContext): Attributes {
  return {
    "messaging.system": "rockqueue",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": ctx.queue,
    "messaging.message.id": ctx.id,
    "rockqueue.job.name": ctx.name,
    "rockqueue.job.attempt": ctx.attempt,
  };
}
