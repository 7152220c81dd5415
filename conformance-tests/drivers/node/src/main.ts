// The driver of the Node.js SDK: the runner's commands as calls of `rockqueue`. Each is one call of its public API.
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type JobFilter, VERSION, Worker } from "rockqueue";
import { carryOutCall } from "./calls.js";
import { EventReader } from "./events.js";
import { commands, observe, observingLogger, report } from "./frames.js";
import * as pb from "./gen/rockqueue/conformance/v1/driver.js";
import { Gates, makeHandler } from "./handlers.js";
import { errorOut, eventOut, given, jobOut, newJob, queueOut, serverOut, told, valueOut } from "./values.js";

type Wanted = NonNullable<pb.Command["command"]>;
type Result = NonNullable<pb.Answer["result"]>;

const RESET_MS = 3_000;
const DONE: Result = { $case: "done", value: {} };

const clients = new Map<string, Client>();
const workers = new Map<string, Worker>();
const streams = new Map<string, EventReader>();
let gates = new Gates();

function named<T>(things: ReadonlyMap<string, T>, name: string): T {
  const found = things.get(name);
  if (found === undefined) {
    throw new Error(`nothing is called "${name}"`);
  }
  return found;
}

async function carryOut(wanted: Wanted): Promise<Result> {
  switch (wanted.$case) {
    case "openClient":
      return openClient(wanted.value);
    case "reset":
      return reset();
    case "openGate":
      gates.named(wanted.value.gate).open();
      return DONE;
    case "readEvents":
      return readEvents(wanted.value);
    case "closeEvents":
      return closeEvents(wanted.value);
    case "stopWorker":
    case "getWorker":
      return workerCall(wanted, named(workers, wanted.value.worker));
    default:
      return clientCall(wanted, named(clients, wanted.value.client));
  }
}

async function openClient({ client, url, retry, ...options }: pb.OpenClient): Promise<Result> {
  const { timeout: timeoutMs, linger: lingerMs, ...rest } = given(options);
  const repeats = retry === undefined ? {} : { retry: retry.disabled ? (false as const) : given(retry) };
  const times = given({ timeoutMs, lingerMs });
  clients.set(client, new Client(url, { ...rest, ...times, ...repeats, logger: observingLogger }));
  return DONE;
}

async function clientCall(
  wanted: Exclude<
    Wanted,
    { $case: "openClient" | "reset" | "openGate" | "readEvents" | "closeEvents" | "stopWorker" | "getWorker" }
  >,
  client: Client,
): Promise<Result> {
  switch (wanted.$case) {
    case "closeClient":
      await client.close();
      return DONE;
    case "push":
      return push(wanted.value, client);
    case "pushMany":
      return pushMany(wanted.value, client);
    case "getJob":
      return { $case: "job", value: jobOut(await client.get(wanted.value.jobId)) };
    case "getLogs":
      return { $case: "logs", value: pb.Logs.fromPartial(told(await client.logs(wanted.value.jobId))) };
    case "listJobs":
      return listJobs(wanted.value, client);
    case "changeJobs":
      return changeJobs(wanted.value, client);
    case "waitJob":
      return { $case: "job", value: jobOut(await client.wait(wanted.value.jobId, timeoutOf(wanted.value))) };
    case "getResult": {
      const result = await client.result(wanted.value.jobId, timeoutOf(wanted.value));
      return { $case: "value", value: valueOut(() => result) };
    }
    case "getServerInfo":
      return { $case: "serverInfo", value: serverOut(await client.serverInfo()) };
    case "openEvents": {
      const stream = await client.events(given(wanted.value, "client", "events")).start();
      streams.set(wanted.value.events, new EventReader(stream));
      return DONE;
    }
    case "startWorker":
      return startWorker(wanted.value, client);
    case "call":
      return call(wanted.value, client);
    default:
      return queueCall(wanted, client);
  }
}

async function call({ method, arguments: given }: pb.Call, client: Client): Promise<Result> {
  const document = await carryOutCall(client, method, JSON.parse(given || "{}"));
  return document === undefined
    ? { $case: "unsupported", value: {} }
    : { $case: "document", value: { json: JSON.stringify(document) } };
}

type QueueCommand = "listQueues" | "getQueue" | "updateQueue" | "pauseQueue" | "resumeQueue" | "purgeQueue";

async function queueCall(wanted: Extract<Wanted, { $case: QueueCommand }>, { queues }: Client): Promise<Result> {
  switch (wanted.$case) {
    case "listQueues": {
      const found = await listing(queues.list(given(wanted.value, "client")));
      return { $case: "queues", value: { queues: found.map(queueOut) } };
    }
    case "getQueue":
      return { $case: "queue", value: queueOut(await queues.get(wanted.value.queue)) };
    case "updateQueue": {
      const { reset: names, ...settings } = wanted.value;
      const reset = names.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
      const options = {
        ...given(settings, "client", "queue"),
        ...(reset.length > 0 && { reset: reset as "maxActive"[] }),
      };
      return { $case: "queue", value: queueOut(await queues.update(wanted.value.queue, options)) };
    }
    case "pauseQueue":
      return { $case: "queue", value: queueOut(await queues.pause(wanted.value.queue)) };
    case "resumeQueue":
      return { $case: "queue", value: queueOut(await queues.resume(wanted.value.queue)) };
    case "purgeQueue":
      return changed(await queues.purge(wanted.value.queue, given(wanted.value, "client", "queue")));
  }
}

async function push({ jobs, copies, callers }: pb.Push, client: Client): Promise<Result> {
  const left = repeated(jobs, copies);
  const pushes: pb.PushOutcome[] = left.map(() => ({}));
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < left.length) {
      const index = next;
      next += 1;
      pushes[index] = await client.push(newJob(left[index] as pb.NewJob)).then(
        (value) => ({ outcome: { $case: "pushed", value } }),
        (error: unknown) => ({ outcome: { $case: "error", value: errorOut(error) } }),
      );
    }
  };
  await Promise.all(Array.from({ length: callers || left.length }, caller));
  return { $case: "pushes", value: { pushes } };
}

async function pushMany({ jobs, copies, ...options }: pb.PushMany, client: Client): Promise<Result> {
  const { timeout, ...rest } = given(options, "client");
  const limits = timeout === undefined ? rest : { ...rest, timeoutMs: Number(timeout) };
  const pushed = await client.pushMany(repeated(jobs, copies).map(newJob), limits);
  return { $case: "pushes", value: { pushes: pushed.map((value) => ({ outcome: { $case: "pushed", value } })) } };
}

function repeated<T>(items: readonly T[], copies: number): T[] {
  return Array.from({ length: Math.max(1, copies) }, () => items).flat();
}

async function listJobs({ filter, limit, pageSize, ...options }: pb.ListJobs, client: Client): Promise<Result> {
  const wanted = { ...given(filter ?? {}), ...given(options, "client"), ...(pageSize > 0 && { pageSize }) };
  return { $case: "jobs", value: { jobs: (await listing(client.list(wanted), limit)).map(jobOut) } };
}

/** What an iterator of the SDK gives. */
async function listing<T>(found: AsyncIterable<T>, limit = 0): Promise<T[]> {
  const taken: T[] = [];
  for await (const one of found) {
    taken.push(one);
    if (taken.length === limit) {
      break;
    }
  }
  return taken;
}

async function changeJobs({ change, target, dryRun, intoQueue }: pb.ChangeJobs, client: Client): Promise<Result> {
  const verb = { [pb.Change.CHANGE_RETRY]: "retry", [pb.Change.CHANGE_DELETE]: "delete" }[change as 2 | 3] ?? "cancel";
  const call = verb as "cancel" | "retry" | "delete";
  const into = intoQueue === "" ? {} : { queue: intoQueue };
  switch (target?.$case) {
    case "jobId":
      await client[call](target.value, into);
      return changed(0);
    case "jobs": {
      const { affected, failures } = await client[`${call}Many`](target.value.ids, into);
      return changed(affected, Object.fromEntries([...failures].map(([id, error]) => [id, errorOut(error)])));
    }
    default: {
      const wanted: JobFilter = given(target?.value ?? {});
      let reports = 0;
      const onProgress = (): void => {
        reports += 1;
      };
      const options = { ...wanted, ...(dryRun && { dryRun }), ...(intoQueue !== "" && { intoQueue }), onProgress };
      const affected = await client[`${call}All`](options);
      return changed(affected, {}, reports);
    }
  }
}

function changed(affected: number, failures: Record<string, pb.Error> = {}, progressReports = 0): Result {
  return { $case: "changed", value: { affected, failures, progressReports } };
}

function timeoutOf(wanted: { timeout?: unknown }): { timeoutMs?: number } {
  const { timeout } = given({ timeout: wanted.timeout });
  return timeout === undefined ? {} : { timeoutMs: Number(timeout) };
}

async function readEvents(wanted: pb.ReadEvents): Promise<Result> {
  const reader = named(streams, wanted.events);
  const events = await reader.read(wanted.count, timeoutOf(wanted).timeoutMs ?? 0);
  return { $case: "events", value: { events: events.map(eventOut), cursor: reader.stream.cursor } };
}

async function closeEvents({ events }: pb.CloseEvents): Promise<Result> {
  const { stream } = named(streams, events);
  streams.delete(events);
  await stream.close();
  return { $case: "events", value: { events: [], cursor: stream.cursor } };
}

async function startWorker(wanted: pb.StartWorker, client: Client): Promise<Result> {
  const made = wanted.handlers.map((one) => [one.name, makeHandler(one, wanted.worker, () => gates)]);
  const options = given(wanted, "client", "worker", "handlers", "untilSignalled");
  const worker = new Worker(client, { ...options, name: wanted.worker, handlers: Object.fromEntries(made) });
  workers.set(wanted.worker, worker);
  const ended = wanted.untilSignalled ? worker.run() : (await worker.start()).wait();
  void ended.then(
    () => observe({ $case: "workerEnded", value: statusOf(worker) }),
    (error: unknown) => observe({ $case: "workerEnded", value: { ...statusOf(worker), failure: errorOut(error) } }),
  );
  return { $case: "worker", value: statusOf(worker) };
}

async function workerCall(
  wanted: Extract<Wanted, { $case: "stopWorker" | "getWorker" }>,
  worker: Worker,
): Promise<Result> {
  if (wanted.$case === "stopWorker") {
    await worker.stop(given(wanted.value, "worker"));
  }
  return { $case: "worker", value: statusOf(worker) };
}

function statusOf({ name, state }: Worker): pb.WorkerStatus {
  return { worker: name, state };
}

/** As at the beginning, whatever errors that meets. */
async function reset(): Promise<Result> {
  for (const gate of gates.values()) {
    gate.open();
  }
  gates = new Gates();
  await inTime([...workers.values()].map((worker) => worker.stop({ grace: 0 })));
  await inTime([...streams.values()].map(({ stream }) => stream.close()));
  await inTime([...clients.values()].map((client) => client.close()));
  for (const things of [workers, streams, clients]) {
    things.clear();
  }
  return DONE;
}

async function inTime(ends: Promise<unknown>[]): Promise<void> {
  await Promise.race([Promise.allSettled(ends), sleep(RESET_MS, undefined, { ref: false })]);
}

async function answer({ id, command }: pb.Command): Promise<void> {
  let result: Result = { $case: "unsupported", value: {} };
  try {
    if (command !== undefined) {
      result = await carryOut(command);
    }
  } catch (error) {
    result = { $case: "error", value: errorOut(error) };
  }
  report({ $case: "answer", value: { id, result } });
}

const features = ["cancel_cause", "signals"];
report({ $case: "hello", value: { sdk: "rockqueue-node", version: VERSION, pid: process.pid, features } });
for await (const command of commands()) {
  void answer(command);
}
await reset();
process.exit(0);
