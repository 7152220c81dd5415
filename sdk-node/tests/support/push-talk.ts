// One `StreamPushes` stream, as its script sees it.
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type {
  PushJobsRequest,
  PushOutcome,
  StreamPushesRequest,
  StreamPushesResponse,
} from "../../src/gen/rockqueue/v1/job_service.js";
import { asEntryStatus, type Refusal } from "./refusal.js";

const WAIT_MS = 40_000;

/** A batch as it arrived. */
export interface Batch {
  readonly sequence: number;
  readonly request: PushJobsRequest;
}

export class PushTalk {
  /** Batches that were read, in the order of their arrival. */
  readonly batches: Batch[] = [];
  readonly #stream: ServerDuplexStream<StreamPushesRequest, StreamPushesResponse>;
  readonly #arrived: (Batch | undefined)[] = [];
  #waiter: (() => void) | undefined;

  constructor(stream: ServerDuplexStream<StreamPushesRequest, StreamPushesResponse>) {
    this.#stream = stream;
    stream.on("data", (message: StreamPushesRequest) => this.#take(message));
    for (const end of ["end", "cancelled", "error"]) {
      stream.on(end, () => this.#arrive(undefined));
    }
  }

  #take({ sequence, batch }: StreamPushesRequest): void {
    const arrived = { sequence, request: batch as PushJobsRequest };
    this.batches.push(arrived);
    this.#arrive(arrived);
  }

  #arrive(batch: Batch | undefined): void {
    this.#arrived.push(batch);
    this.#waiter?.();
  }

  /** Stops to read, as a server does that has too much to do. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The next batch; undefined when the client has ended the stream. */
  async next(): Promise<Batch | undefined> {
    if (this.#arrived.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the client pushed nothing for 40 s")), WAIT_MS);
        this.#waiter = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiter = undefined;
    }
    return this.#arrived.shift();
  }

  /** The next batch, which must come. */
  async batch(): Promise<Batch> {
    const batch = await this.next();
    if (batch === undefined) {
      throw new Error("expected a batch, got the end");
    }
    return batch;
  }

  /** Reads on until the client ends the stream. */
  async untilEnd(): Promise<void> {
    while ((await this.next()) !== undefined) {
      // Whatever it pushes is of no interest.
    }
  }

  send(...outcomes: Partial<PushOutcome>[]): void {
    this.#stream.write({ outcomes: outcomes.map((outcome) => ({ sequence: 0, ...outcome })) });
  }

  /** Refuses a batch. */
  refuse(batch: Batch, refusal: Refusal): void {
    this.send({ sequence: batch.sequence, failure: asEntryStatus(refusal) });
  }

  /** Stores batches: the ids of the jobs are their payloads. */
  store(...batches: Batch[]): void {
    this.send(...batches.map(stored));
  }
}

/** The jobs of a batch by their payloads. */
export function payloads({ jobs }: PushJobsRequest): string[] {
  return jobs.map((job) => Buffer.from(job.payload).toString());
}

function stored({ sequence, request }: Batch): Partial<PushOutcome> {
  const jobs = payloads(request).map((jobId) => ({ jobId, existing: false, replaced: false }));
  return { sequence, answer: { jobs, durability: request.durability } };
}
