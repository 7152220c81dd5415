// One `Work` stream, as its script sees it. Heartbeats are answered and counted unless `mute`.
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { EntryStatus } from "../../src/gen/rockqueue/v1/job_service.js";
import {
  Delivery,
  type Heartbeat,
  type OpenSession,
  type Settlement,
  type Settlements,
  type WorkRequest,
  type WorkResponse,
} from "../../src/gen/rockqueue/v1/work_service.js";
import { type Refusal, UNAVAILABLE } from "./refusal.js";

const WAIT_MS = 40_000;

type Kind = NonNullable<WorkRequest["message"]>["$case"];
type Value<K extends Kind> = Extract<NonNullable<WorkRequest["message"]>, { $case: K }>["value"];

/** Thrown by a script: ends the stream with a status. */
export class Break extends Error {
  constructor(readonly refusal: Refusal = UNAVAILABLE) {
    super("the script breaks the stream");
  }
}

export class Talk {
  heartbeats = 0;
  /** What the heartbeats said. */
  readonly beats: Heartbeat[] = [];
  mute = false;
  credits = 0;
  readonly #stream: ServerDuplexStream<WorkRequest, WorkResponse>;
  readonly #arrived: (WorkRequest | undefined)[] = [];
  #waiter: (() => void) | undefined;

  constructor(stream: ServerDuplexStream<WorkRequest, WorkResponse>) {
    this.#stream = stream;
    stream.on("data", (request: WorkRequest) => this.#take(request));
    stream.on("end", () => this.#arrive(undefined));
    stream.on("cancelled", () => this.#arrive(undefined));
    stream.on("error", () => this.#arrive(undefined));
  }

  send(message: NonNullable<WorkResponse["message"]>): void {
    this.#stream.write({ message });
  }

  #take({ message }: WorkRequest): void {
    if (message?.$case === "heartbeat") {
      this.heartbeats += 1;
      this.beats.push(message.value);
      if (!this.mute) {
        this.send({ $case: "heartbeat", value: { sequence: message.value.sequence } });
      }
      return;
    }
    if (message?.$case === "credits" || message?.$case === "settlements") {
      this.credits += message.value.credits;
    }
    this.#arrive({ message });
  }

  #arrive(request: WorkRequest | undefined): void {
    this.#arrived.push(request);
    this.#waiter?.();
  }

  /** The next message that is no heartbeat; undefined when the worker has ended its side. */
  async next(): Promise<WorkRequest | undefined> {
    if (this.#arrived.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the worker said nothing for 40 s")), WAIT_MS);
        this.#waiter = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiter = undefined;
    }
    return this.#arrived.shift();
  }

  async expect<K extends Kind>(kind: K): Promise<Value<K>> {
    const got = (await this.next())?.message;
    if (got?.$case !== kind) {
      throw new Error(`expected ${kind}, got ${got === undefined ? "the end" : JSON.stringify(got)}`);
    }
    return got.value as Value<K>;
  }

  /** Takes `open`, answers it, and returns it. */
  async opened(
    sessionId = "s-1",
    { resumed = false, intervalMs = 10_000, lost = [] as string[] } = {},
  ): Promise<OpenSession> {
    const open = await this.expect("open");
    const heartbeatInterval = { seconds: Math.floor(intervalMs / 1000), nanos: (intervalMs % 1000) * 1e6 };
    const lostLeases = lost.map((token) => Buffer.from(token));
    const value = { sessionId, resumed, heartbeatInterval, resumeGrace: { seconds: 10, nanos: 0 }, lostLeases };
    this.send({ $case: "opened", value });
    return open;
  }

  deliver(...deliveries: Delivery[]): void {
    this.credits -= deliveries.length;
    if (this.credits < 0) {
      throw new Error("the test delivers more than the worker asked for");
    }
    this.send({ $case: "deliveries", value: { deliveries } });
  }

  answer(batch: Settlements, ...refused: [index: number, reason: string][]): void {
    const failures = refused.map(([index, reason]) => ({
      index,
      status: EntryStatus.fromPartial({ code: 9, reason, message: "scripted" }),
    }));
    this.send({ $case: "settled", value: { sequence: batch.sequence, failures } });
  }

  /** Collects `count` settlements, answering each batch. */
  async settlements(count = 1): Promise<Settlement[]> {
    const found: Settlement[] = [];
    while (found.length < count) {
      const batch = await this.expect("settlements");
      found.push(...batch.settlements);
      this.answer(batch);
    }
    return found;
  }

  /** Waits until the worker has granted so many credits in all that are not used. */
  async creditsOf(wanted: number): Promise<void> {
    while (this.credits < wanted) {
      await this.expect("credits");
    }
    if (this.credits !== wanted) {
      throw new Error(`expected ${wanted} credits, got ${this.credits}`);
    }
  }

  /** Takes the orderly end. */
  async goodbye(): Promise<void> {
    await this.expect("goodbye");
    if ((await this.next()) !== undefined) {
      throw new Error("expected nothing after goodbye");
    }
  }

  /** Takes Drain and the orderly end of a worker without jobs; credits that were under way do not matter. */
  async drained(): Promise<void> {
    let message = (await this.next())?.message;
    while (message?.$case === "credits") {
      message = (await this.next())?.message;
    }
    if (message?.$case !== "drain") {
      throw new Error(`expected drain, got ${JSON.stringify(message)}`);
    }
    await this.goodbye();
  }

  /** Reads on until the worker breaks the stream off. */
  async untilEnd(): Promise<void> {
    while ((await this.next()) !== undefined) {
      // Whatever it says is of no interest.
    }
  }
}

/** A delivery of a job called `work` whose payload is its number. */
export function delivery(number: number, spec: Partial<NonNullable<Delivery["spec"]>> = {}): Delivery {
  return Delivery.fromPartial({
    jobId: `job-${number}`,
    leaseToken: Buffer.from(`t${number}`),
    lease: { seconds: 30, nanos: 0 },
    attempt: 1,
    spec: { queue: "q", name: "work", payload: Buffer.from(String(number)), contentType: "application/json", ...spec },
    createTime: { seconds: 1_795_000_000, nanos: 0 },
  });
}

/** The lease of a settlement, as the test named it. */
export function leaseOf(settlement: Settlement): string {
  return Buffer.from(settlement.leaseToken).toString();
}
