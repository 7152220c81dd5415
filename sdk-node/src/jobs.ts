// Typed jobs: one definition for those who push a kind of job and those who work on it.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CallOptions } from "./calls/caller.js";
import type { Client } from "./client.js";
import { PayloadError } from "./errors.js";
import type { PushedJob } from "./models/job.js";
import type { JobOptions, NewJob } from "./options.js";
import type { PutSchedule } from "./schedules/schedules.js";
import type { Timing } from "./schedules/timing.js";
import type { JobContext } from "./worker/context.js";

export const DEFAULT_QUEUE = "default";

/** What a kind of job is called, where it waits, and the defaults of its pushes. */
export interface JobDefaults extends JobOptions {
  /** What all programs call this kind of job. */
  name: string;
  /** Where its jobs wait. @defaultValue "default" */
  queue?: string;
}

/** The same with schemas (zod, valibot, arktype or any other Standard Schema) that are checked at run time too. */
export interface JobSchemas<Input extends StandardSchemaV1, Output extends StandardSchemaV1> extends JobDefaults {
  /** What the payload must look like: checked by `push` and by the worker. */
  input: Input;
  /** What the result must look like: checked by the worker. */
  output?: Output;
}

/** A function that works on jobs of a kind: what it returns is the result, what it throws fails the attempt. */
export type JobHandler<Payload, Output> = (payload: Payload, ctx: JobContext) => Output | Promise<Output>;

/** A definition with the handler that works on it: what a worker takes. */
export interface HandledJob {
  readonly name: string;
  readonly queue: string;
  /** Works on one job; called by the worker. */
  readonly run: (payload: unknown, ctx: JobContext) => unknown;
}

/**
 * A kind of job: what pushes it takes, and what its handler gives. Made by `defineJob`.
 *
 * @typeParam Input - What `push` takes: a value that JSON (or the client's codec) can write.
 * @typeParam Output - What the handler returns.
 * @typeParam Payload - What the handler gets: `Input`, or what the schema makes of it.
 */
export class JobDefinition<Input, Output, Payload = Input> {
  readonly name: string;
  readonly queue: string;
  /** The defaults of its pushes. */
  readonly defaults: JobOptions;
  readonly #input: StandardSchemaV1 | undefined;
  readonly #output: StandardSchemaV1 | undefined;

  /** @internal */
  constructor(definition: JobDefaults & { input?: StandardSchemaV1; output?: StandardSchemaV1 }) {
    const { name, queue = DEFAULT_QUEUE, input, output, ...defaults } = definition;
    this.name = name;
    this.queue = queue;
    this.defaults = defaults;
    this.#input = input;
    this.#output = output;
  }

  /** The job, for `push`, `pushMany`, `ctx.followUp`, flows and schedules. A schema is not checked here but by the worker. */
  new(payload: Input): NewJob {
    return { ...this.defaults, queue: this.queue, name: this.name, payload };
  }

  /** Pushes the job: `await welcomeEmail.push(client, { to })`. Rejects like `client.push`, and with PayloadError. */
  async push(client: Client, payload: Input, options?: Pick<CallOptions, "signal">): Promise<PushedJob> {
    await this.#check(payload);
    return client.push(this.new(payload), options);
  }

  /**
   * Puts a schedule that pushes the job again and again:
   * `await digest.schedule(client, "nightly", { to: "all" }, { cron: "0 3 * * *", timeZone: "Europe/London" })`. Rejects like
   * `client.schedules.put`, and with PayloadError.
   */
  async schedule(
    client: Client,
    name: string,
    payload: Input,
    timing: Timing,
    options?: CallOptions,
  ): Promise<PutSchedule> {
    await this.#check(payload);
    return client.schedules.put(name, this.new(payload), timing, options);
  }

  async #check(payload: Input): Promise<void> {
    if (this.#input !== undefined) {
      await checked(this.#input, payload, `the payload of ${this.name}`);
    }
  }

  /** Waits for a job of this kind and resolves to its result. See `client.result`. */
  result(client: Client, jobId: string, options?: CallOptions): Promise<Output> {
    return client.result<Output>(jobId, options);
  }

  /** The same job with other options: `welcomeEmail.options({ priority: 10 }).push(client, { to })`. */
  options({ queue = this.queue, ...options }: JobOptions & { queue?: string }): JobDefinition<Input, Output, Payload> {
    const schemas = { input: this.#input, output: this.#output };
    return new JobDefinition({ ...this.defaults, ...options, name: this.name, queue, ...schemas });
  }

  /** This kind of job with the function that works on it, for `new Worker(client, { jobs: [...] })`. */
  handle(handler: JobHandler<Payload, Output>): HandledJob {
    const { name, queue } = this;
    const input = this.#input;
    const output = this.#output;
    if (input === undefined && output === undefined) {
      return { name, queue, run: handler as HandledJob["run"] };
    }
    const run = async (payload: unknown, ctx: JobContext): Promise<unknown> => {
      const given = input === undefined ? payload : await checked(input, payload, `the payload of ${name}`);
      const result = await handler(given as Payload, ctx);
      return output === undefined ? result : checked(output, result, `the result of ${name}`);
    };
    return { name, queue, run };
  }
}

/**
 * Defines a kind of job.
 *
 * @example
 * const welcomeEmail = defineJob<{ to: string }, string>({ name: "welcome_email", queue: "mail", maxAttempts: 3 });
 *
 * @example
 * const resize = defineJob({ name: "resize", input: z.object({ width: z.number() }) });
 */
export function defineJob<Input extends StandardSchemaV1, Output extends StandardSchemaV1 = StandardSchemaV1<unknown>>(
  definition: JobSchemas<Input, Output>,
): JobDefinition<
  StandardSchemaV1.InferInput<Input>,
  StandardSchemaV1.InferOutput<Output>,
  StandardSchemaV1.InferOutput<Input>
>;
export function defineJob<Input, Output = unknown>(definition: JobDefaults): JobDefinition<Input, Output>;
export function defineJob(definition: JobDefaults): JobDefinition<unknown, unknown> {
  return new JobDefinition(definition);
}

/** The value as its schema makes it. Rejects with PayloadError, which names each field at fault. */
async function checked(schema: StandardSchemaV1, value: unknown, what: string): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) {
    return result.value;
  }
  const violations = result.issues.map(({ message, path = [] }) => ({
    field: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
    description: message,
  }));
  const [first] = violations;
  const where = first?.field ? `${first.field}: ` : "";
  throw new PayloadError(`${what} does not fit its schema: ${where}${first?.description}`, { violations });
}
