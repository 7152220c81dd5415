// Looking after queues: `client.queues`.
import { type Caller, type CallOptions, newRequestId } from "./calls/caller.js";
import { queueMethods } from "./calls/methods.js";
import { type Milliseconds, toDuration } from "./durations.js";
import type { QueueSettings as SettingsMessage } from "./gen/rockqueue/v1/queue_service.js";
import { type JobState, stateNumber } from "./models/names.js";
import { type Queue, queueOf } from "./models/queue.js";
import { type RetryPolicy, toRetry } from "./options.js";

const PAGE = 100;

/** Settings of a queue to change; what is left out stays as it is. Durations are milliseconds. */
export interface QueueSettings {
  /** For jobs that bring no policy. @defaultValue exponential, 1 s, at most 1 h, jitter 0.1, 3 attempts */
  defaultRetry?: RetryPolicy;
  /** For workers that ask for none, 1 s to 12 h. @defaultValue 30000 */
  defaultLease?: Milliseconds;
  /** How long COMPLETED jobs stay readable; 0 removes them at once. @defaultValue 7 days */
  completedRetention?: Milliseconds;
  /** How long DEAD jobs stay readable; 0 removes them at once. @defaultValue 90 days */
  deadRetention?: Milliseconds;
  /** How long CANCELLED jobs stay readable; 0 removes them at once. @defaultValue 7 days */
  cancelledRetention?: Milliseconds;
  /** How many jobs may be ACTIVE at once, over all workers. @defaultValue no limit */
  maxActive?: number;
  /** How many jobs may wait before pushes reject with QueueFull. @defaultValue no limit */
  maxBacklogJobs?: number;
}

/** Looks after queues. */
export class Queues {
  readonly #caller: () => Caller;

  /** @internal */
  constructor(caller: () => Caller) {
    this.#caller = caller;
  }

  /** All queues whose name begins with `prefix`, by name, fetched a page at a time. */
  async *list({ prefix = "", ...options }: { prefix?: string } & CallOptions = {}): AsyncGenerator<Queue, void, void> {
    for (let pageToken = ""; ; ) {
      const request = { pageSize: PAGE, pageToken, prefix };
      const page = await this.#caller().call(queueMethods.listQueues, request, options);
      yield* page.queues.map(queueOf);
      pageToken = page.nextPageToken;
      if (pageToken === "") {
        return;
      }
    }
  }

  /** One queue with its counts. Rejects with QueueNotFound. */
  async get(queue: string, options?: CallOptions): Promise<Queue> {
    return queueOf((await this.#caller().call(queueMethods.getQueue, { queue }, options)).queue);
  }

  /** Changes settings, and makes the queue if need be; `reset` names settings that go back to their default. */
  async update(
    queue: string,
    { reset = [], ...settings }: QueueSettings & { reset?: readonly (keyof QueueSettings)[] },
    options?: CallOptions,
  ): Promise<Queue> {
    const request = {
      requestId: newRequestId(),
      queue,
      settings: toSettings(settings),
      reset: reset.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
    };
    return queueOf((await this.#caller().call(queueMethods.updateQueue, request, options)).queue);
  }

  /** Stops deliveries until `resume`; pushes go on, running jobs finish. Rejects with QueueNotFound. */
  async pause(queue: string, options?: CallOptions): Promise<Queue> {
    const request = { requestId: newRequestId(), queue };
    return queueOf((await this.#caller().call(queueMethods.pauseQueue, request, options)).queue);
  }

  /** Lets deliveries go on. Rejects with QueueNotFound. */
  async resume(queue: string, options?: CallOptions): Promise<Queue> {
    const request = { requestId: newRequestId(), queue };
    return queueOf((await this.#caller().call(queueMethods.resumeQueue, request, options)).queue);
  }

  /** Removes the jobs in `states` (default: WAITING and DELAYED) and resolves to how many. Rejects with QueueNotFound. */
  async purge(
    queue: string,
    { states = [], ...options }: { states?: readonly JobState[] } & CallOptions = {},
  ): Promise<number> {
    const request = { requestId: newRequestId(), queue, states: states.map(stateNumber) };
    return (await this.#caller().call(queueMethods.purgeQueue, request, options)).purged;
  }
}

const DURATIONS = ["defaultLease", "completedRetention", "deadRetention", "cancelledRetention"] as const;
const NUMBERS = ["maxActive", "maxBacklogJobs"] as const;

function toSettings(settings: QueueSettings): SettingsMessage {
  const known = new Set<string>([...DURATIONS, ...NUMBERS, "defaultRetry"]);
  const message: SettingsMessage = {};
  for (const name of Object.keys(settings)) {
    if (!known.has(name)) {
      throw new TypeError(`unknown queue setting "${name}"; there are: ${[...known].join(", ")}`);
    }
  }
  if (settings.defaultRetry !== undefined) {
    message.defaultRetry = toRetry(settings.defaultRetry);
  }
  for (const name of DURATIONS) {
    const value = settings[name];
    if (value !== undefined) {
      message[name] = toDuration(value, name);
    }
  }
  for (const name of NUMBERS) {
    message[name] = settings[name];
  }
  return message;
}
