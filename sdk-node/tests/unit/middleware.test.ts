import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Client, type Middleware, Worker } from "rockqueue";
import { openTelemetry } from "rockqueue/opentelemetry";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { PushJobsRequest } from "../../src/gen/rockqueue/v1/job_service.js";
import { eventually } from "../support/eventually.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { delivery } from "../support/talk.js";

const exporter = new InMemorySpanExporter();
let server: ScriptedServer;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});

afterAll(() => {
  trace.disable();
  propagation.disable();
  context.disable();
});

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(() => {
  server.close();
  exporter.reset();
});

/** Lets a worker run one job with these headers, and resolves when it is settled. */
async function runOne(client: Client, headers: Record<string, string>, handler: () => unknown): Promise<void> {
  let settled = false;
  server.script(async (talk) => {
    await talk.opened();
    await talk.expect("credits");
    talk.deliver(delivery(1, { headers }));
    await talk.settlements();
    settled = true;
    await talk.drained();
  });
  const worker = new Worker(client, { handlers: { work: handler }, queues: ["q"], sessionThread: false });
  await worker.start();
  await eventually("the job is settled", () => settled || server.failures.length > 0);
  await worker.stop();
  await server.played();
}

it("middleware stands around pushes and handlers, the first outermost", async () => {
  const seen: string[] = [];
  const named = (name: string): Middleware => ({
    async push(jobs, next) {
      seen.push(`${name} push ${jobs.length}`);
      const pushed = await next(jobs.map((job) => ({ ...job, headers: { ...job.headers, [name]: "yes" } })));
      seen.push(`${name} pushed`);
      return pushed;
    },
    async handle(ctx, next) {
      seen.push(`${name} ${ctx.name}`);
      return next();
    },
  });
  await using client = new Client(server.url, { middleware: [named("a"), named("b")], logger: false });
  const { id } = await client.push("q", "n");
  await client.pushMany([
    { queue: "q", name: "n" },
    { queue: "q", name: "n" },
  ]);
  expect(id).toMatch(/^job-/);
  expect(seen.splice(0)).toEqual([
    ...["a push 1", "b push 1", "b pushed", "a pushed"],
    ...["a push 2", "b push 2", "b pushed", "a pushed"],
  ]);
  const requests = server.of<PushJobsRequest>("PushJobs");
  expect(requests.flatMap(({ jobs }) => jobs.map((job) => job.headers))).toEqual(Array(3).fill({ a: "yes", b: "yes" }));
  await runOne(client, {}, () => seen.push("handler"));
  expect(seen).toEqual(["a work", "b work", "handler"]);
});

it("a push and the run of its handler are one trace", async () => {
  await using client = new Client(server.url, { middleware: [openTelemetry()], logger: false });
  await trace.getTracer("test").startActiveSpan("request", async (span) => {
    await client.push("q", "work");
    span.end();
  });
  const [request] = server.of<PushJobsRequest>("PushJobs");
  const headers = request?.jobs[0]?.headers ?? {};
  expect(headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);

  let inHandler: string | undefined;
  await runOne(client, headers, () => {
    inHandler = trace.getActiveSpan()?.spanContext().spanId;
  });
  const spans = exporter.getFinishedSpans();
  const [send, outer, process] = ["send q", "request", "process q"].map((name) =>
    spans.find((one) => one.name === name),
  );
  expect(send?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
  expect(process?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId);
  expect(process?.spanContext().spanId).toBe(inHandler);
  expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  expect(process?.attributes).toMatchObject({ "messaging.system": "rockqueue", "rockqueue.job.attempt": 1 });
});

it("a handler that throws marks its span", async () => {
  await using client = new Client(server.url, { middleware: [openTelemetry()], logger: false });
  await runOne(client, {}, () => {
    throw new Error("broken");
  });
  const [span] = exporter.getFinishedSpans();
  expect(span?.status).toMatchObject({ message: "broken" });
  expect(span?.events.map((event) => event.name)).toEqual(["exception"]);
});
