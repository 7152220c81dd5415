// Looking after queues and their groups: `client.queues`.
import { type Caller, type CallOptions, newRequestId } from "./calls/caller.js";
import { queueMethods } from "./calls/methods.js";
import { everyPage } from "./calls/pages.js";
import { type Explanation, explanationOf } from "./models/explanation.js";
import { type Group, groupOf } from "./models/group.js";
import { type JobState, stateNumber } from "./models/names.js";
import { type Queue, queueOf } from "./models/queue.js";
import { type GroupSettings, type QueueSettings, toGroupSettings, toQueueSettings, toReset } from "./settings.js";

const PAGE = 100;

/** Looks after queues. */
export class Queues {
  readonly #caller: () => Caller;

  /** @internal */
  constructor(caller: () => Caller) {
    this.#caller = caller;
  }

  /** All queues whose name begins with `prefix`, by name, fetched a page at a time. */
  list({ prefix = "", ...options }: { prefix?: string } & CallOptions = {}): AsyncGenerator<Queue, void, void> {
    const request = { pageSize: PAGE, prefix };
    return everyPage(this.#caller, queueMethods.listQueues, request, options, ({ queues }) => queues.map(queueOf));
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
      settings: toQueueSettings(settings),
      reset: toReset(reset),
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

  /** Why a queue delivers nothing now, or that it could; the reason that will last longest first. Rejects with QueueNotFound. */
  async explain(queue: string, options?: CallOptions): Promise<readonly Explanation[]> {
    return (await this.#caller().call(queueMethods.explainQueue, { queue }, options)).reasons.map(explanationOf);
  }

  /**
   * The groups of a queue that have unfinished jobs or settings of their own, and a key that begins with `prefix`, by key,
   * fetched a page at a time. Throws QueueNotFound.
   */
  groups(
    queue: string,
    { prefix = "", ...options }: { prefix?: string } & CallOptions = {},
  ): AsyncGenerator<Group, void, void> {
    const request = { queue, pageSize: PAGE, prefix };
    return everyPage(this.#caller, queueMethods.listGroups, request, options, ({ groups }) => groups.map(groupOf));
  }

  /**
   * Changes settings of one group, and makes the queue if need be; `reset` names settings that go back to their default.
   *
   * @example
   * await client.queues.updateGroup("mail", "tenant-7", { weight: 3, rate: { count: 100, period: 60_000 } });
   */
  async updateGroup(
    queue: string,
    group: string,
    { reset = [], ...settings }: GroupSettings & { reset?: readonly (keyof GroupSettings)[] },
    options?: CallOptions,
  ): Promise<Group> {
    const request = {
      requestId: newRequestId(),
      queue,
      group,
      settings: toGroupSettings(settings),
      reset: toReset(reset),
    };
    return groupOf((await this.#caller().call(queueMethods.updateGroup, request, options)).group);
  }
}
