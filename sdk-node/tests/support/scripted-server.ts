// A gRPC server on a real socket that answers as told and records what it was sent.
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import * as methods from "../../src/calls/methods.js";
import type { WatchEventsRequest, WatchEventsResponse } from "../../src/gen/rockqueue/v1/event_service.js";
import type {
  PushJobsRequest,
  PushJobsResponse,
  StreamPushesRequest,
  StreamPushesResponse,
} from "../../src/gen/rockqueue/v1/job_service.js";
import type { WorkRequest, WorkResponse } from "../../src/gen/rockqueue/v1/work_service.js";
import { eventually } from "./eventually.js";
import { PushTalk } from "./push-talk.js";
import { asEntryStatus, asStatus, type Refusal, UNAVAILABLE } from "./refusal.js";
import { Break, Talk } from "./talk.js";

/** One attempt as it arrived; `deadlineMs` is the time that its deadline left. */
export interface Call {
  readonly method: string;
  readonly request: unknown;
  readonly deadlineMs: number;
  readonly userAgent: string;
}

export type Answer = object | ((request: PushJobsRequest) => object | Promise<object>);
export type Script = (talk: Talk) => Promise<void>;
export type PushScript = (talk: PushTalk) => Promise<void>;
type Watched = Partial<WatchEventsResponse> | Refusal;
/** What a watch stream sends in turn, a promise when it is kept; a Refusal ends it. */
export type Watch = readonly (Watched | Promise<Watched>)[];

/** Never answers: the reply is lost. */
export const LOST: Answer = () => new Promise<object>(() => undefined);

type AnyMethod = methods.Method<unknown, unknown>;
type AnyStream = Pick<ServerDuplexStream<unknown, unknown>, "end" | "emit">;
const { work: WORK, ...UNARY_WORK } = methods.workMethods;
const { streamPushes: STREAM_PUSHES, ...UNARY_JOBS } = methods.jobMethods;
const { queueMethods, scheduleMethods, flowMethods, webhookMethods, serverMethods } = methods;
const SERVICES = [UNARY_JOBS, queueMethods, scheduleMethods, flowMethods, webhookMethods, serverMethods, UNARY_WORK];
const UNARY = SERVICES.flatMap((service) => Object.values(service) as AnyMethod[]);

/**
 * Answers each method from a list; a `Work` stream runs the next script, and so does a `StreamPushes` stream. Without a
 * script, each batch on a stream of pushes is a call of PushJobs. What a script throws is in `failures`.
 */
export class ScriptedServer {
  readonly calls: Call[] = [];
  readonly failures: unknown[] = [];
  readonly watches: Watch[] = [];
  streams = 0;
  pushStreams = 0;
  #scripts: Script[] = [];
  #pushScripts: PushScript[] = [];
  #running = 0;
  readonly #answers = new Map<string, Answer[]>();
  readonly #server = new Server();
  #port = 0;

  static async start(port = 0): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.answer("GetServerInfo", { version: "0" });
    server.answer("PushJobs", pushed);
    await server.#listen(port);
    return server;
  }

  get url(): string {
    return `rockqueue://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Answers to give in turn; the last one is repeated. */
  answer(method: string, ...answers: Answer[]): void {
    this.#answers.set(method, answers);
  }

  /** Scripts for the `Work` streams to come. */
  script(...scripts: Script[]): void {
    this.#scripts.push(...scripts);
  }

  /** Scripts for the `StreamPushes` streams to come. */
  scriptPushes(...scripts: PushScript[]): void {
    this.#pushScripts.push(...scripts);
  }

  /** The requests of a method, in the order of their arrival. */
  of<T>(method: string): T[] {
    return this.calls.filter((call) => call.method === method).map((call) => call.request as T);
  }

  /** Resolves when every script has run; throws what the first of them threw. */
  async played(): Promise<void> {
    await eventually("every script has run", () => this.failures.length > 0 || this.#idle);
    if (this.failures.length > 0) {
      throw this.failures[0];
    }
  }

  get #idle(): boolean {
    return this.#scripts.length === 0 && this.#pushScripts.length === 0 && this.#running === 0;
  }

  /** Cuts all connections at once. */
  close(): void {
    this.#server.forceShutdown();
  }

  #listen(port: number): Promise<void> {
    for (const method of UNARY) {
      this.#register(method, "unary", ((call, callback) => {
        void this.#answerCall(method, call).then(
          (answer) => (isRefusal(answer) ? callback(asStatus(answer)) : callback(null, answer)),
          (error: Error) => callback({ code: status.INTERNAL, details: error.message }),
        );
      }) as handleUnaryCall<unknown, unknown>);
    }
    this.#register(WORK as AnyMethod, "bidi", (stream: ServerDuplexStream<WorkRequest, WorkResponse>) => {
      void this.#work(stream);
    });
    this.#register(
      STREAM_PUSHES as AnyMethod,
      "bidi",
      (stream: ServerDuplexStream<StreamPushesRequest, StreamPushesResponse>) => {
        this.pushStreams += 1;
        const script = this.#pushScripts.shift();
        if (script === undefined) {
          stream.on("data", (message: StreamPushesRequest) => void this.#answerPush(stream, message));
          stream.on("end", () => stream.end());
        } else {
          void this.#run(stream, () => script(new PushTalk(stream)));
        }
      },
    );
    this.#register(
      methods.eventMethods.watchEvents as AnyMethod,
      "serverStream",
      (stream: ServerWritableStream<WatchEventsRequest, WatchEventsResponse>) => void this.#watch(stream),
    );
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        this.#port = bound;
        error === null ? resolve() : reject(error);
      });
    });
  }

  #register(method: AnyMethod, type: "unary" | "bidi" | "serverStream", handler: unknown): void {
    const fill = method.response as unknown as { fromPartial(message: object): unknown };
    const encode = (message: unknown): Buffer =>
      Buffer.from(method.response.encode(fill.fromPartial(message as object)).finish());
    const decode = (bytes: Buffer): unknown => method.request.decode(bytes);
    this.#server.register(method.path, handler as handleUnaryCall<unknown, unknown>, encode, decode, type);
  }

  #answerCall(method: AnyMethod, call: ServerUnaryCall<unknown, unknown>): Promise<object> {
    const deadlineMs = Number(call.getDeadline()) - Date.now();
    const userAgent = String(call.metadata.get("user-agent")[0] ?? "");
    return this.#answer({ method: method.name, request: call.request, deadlineMs, userAgent });
  }

  async #answer(call: Call): Promise<object> {
    this.calls.push(call);
    const answers = this.#answers.get(call.method) ?? [{ code: status.UNIMPLEMENTED }];
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) as Answer;
    return typeof answer === "function" ? (answer as (request: unknown) => object)(call.request) : answer;
  }

  /** Plays a batch of a stream as a call. */
  async #answerPush(
    stream: ServerDuplexStream<StreamPushesRequest, StreamPushesResponse>,
    { sequence, batch: request }: StreamPushesRequest,
  ): Promise<void> {
    const answer = await this.#answer({ method: "PushJobs", request, deadlineMs: 0, userAgent: "" });
    const outcome = isRefusal(answer) ? { failure: asEntryStatus(answer) } : { answer: answer as PushJobsResponse };
    stream.write({ outcomes: [{ sequence, ...outcome }] });
  }

  async #work(stream: ServerDuplexStream<WorkRequest, WorkResponse>): Promise<void> {
    this.streams += 1;
    const script = this.#scripts.shift();
    if (script === undefined) {
      stream.emit("error", asStatus({ ...UNAVAILABLE, reason: "SHUTTING_DOWN" }));
      return;
    }
    await this.#run(stream, () => script(new Talk(stream)));
  }

  async #run(stream: AnyStream, script: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await script();
      stream.end();
    } catch (error) {
      if (!(error instanceof Break)) {
        this.failures.push(error);
      }
      stream.emit("error", asStatus(error instanceof Break ? error.refusal : UNAVAILABLE));
    } finally {
      this.#running -= 1;
    }
  }

  async #watch(stream: ServerWritableStream<WatchEventsRequest, WatchEventsResponse>): Promise<void> {
    this.calls.push({ method: "WatchEvents", request: stream.request, deadlineMs: 0, userAgent: "" });
    for (const promised of this.watches.shift() ?? []) {
      const answer = await promised;
      if ("code" in answer) {
        stream.emit("error", asStatus(answer));
        return;
      }
      stream.write(answer as WatchEventsResponse);
    }
  }
}

function isRefusal(answer: object): answer is Refusal {
  return "code" in answer && !("jobs" in answer);
}

let ids = 0;

/** The answer to a push that is taken as it is. */
export function pushed(request: PushJobsRequest): Partial<PushJobsResponse> {
  const jobs = request.jobs.map(() => {
    ids += 1;
    return { jobId: `job-${ids}`, existing: false, replaced: false };
  });
  return { jobs, durability: request.durability };
}
