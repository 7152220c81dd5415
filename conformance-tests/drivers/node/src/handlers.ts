// Handlers as data: performs what the runner wrote down.
import { setTimeout as sleep } from "node:timers/promises";
import { type HandlerStopped, type JobContext, NonRetryable, Release, RetryAfter, Snooze } from "rockqueue";
import { observe } from "./frames.js";
import * as pb from "./gen/rockqueue/conformance/v1/driver.js";
import { given, ms, newJob, originOut, told, valueIn, valueOut } from "./values.js";

type Act = NonNullable<pb.Action["action"]>;

/** Something that opens once. */
export class Gate {
  open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** All gates by name; one that is asked for is there. */
export class Gates extends Map<string, Gate> {
  named(name: string): Gate {
    const gate = this.get(name) ?? new Gate();
    this.set(name, gate);
    return gate;
  }
}

/** The function that the worker is given. */
export function makeHandler(handler: pb.Handler, worker: string, gates: () => Gates) {
  return (_: unknown, ctx: JobContext): Promise<unknown> => new Run(handler, worker, gates(), ctx).perform();
}

/** One delivery in the hands of the handler. */
class Run {
  readonly #who: { worker: string; jobId: string; attempt: number };
  #stopReported = false;

  constructor(
    readonly handler: pb.Handler,
    worker: string,
    readonly gates: Gates,
    readonly ctx: JobContext,
  ) {
    this.#who = { worker, jobId: ctx.id, attempt: ctx.attempt };
  }

  async perform(): Promise<unknown> {
    const { attempts } = this.handler;
    const payload = valueOut(() => this.ctx.payload);
    const job = { ...told(this.ctx), ...originOut(this.ctx.origin), ...this.#who, payload };
    this.#observe({ $case: "began", value: pb.HandlerBegan.fromPartial(job) });
    for (const { action } of attempts[Math.min(this.ctx.attempt, attempts.length) - 1]?.actions ?? []) {
      if (action?.$case === "parents") {
        const parents = [...(await this.ctx.parents())].map(([node, { result }]) => [node, result]);
        this.#ended("parents");
        return Object.fromEntries(parents);
      }
      if (action !== undefined && isEnd(action)) {
        return this.#end(action);
      }
      if (action !== undefined && !this.#atOnce(action)) {
        await this.#wait(action);
      }
    }
    this.#ended("complete");
    return undefined;
  }

  #observe(observation: Parameters<typeof observe>[0]): void {
    if (!this.handler.silent) {
      observe(observation);
    }
  }

  #ended(by: string): void {
    this.#observe({ $case: "ended", value: { ...this.#who, by } });
  }

  /** Actions that do not wait; false for the others. */
  #atOnce(action: Act): boolean {
    switch (action.$case) {
      case "block":
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms(action.value));
        return true;
      case "log":
        this.ctx.log(action.value);
        return true;
      case "progress":
        this.ctx.progress(action.value.percent, action.value.message);
        return true;
      case "followUp":
        this.ctx.followUp(newJob(action.value));
        return true;
      default:
        return false;
    }
  }

  /** An action that waits, and gives way or goes on when the handler should stop. */
  async #wait(action: Act): Promise<void> {
    const { signal, shutdownSignal } = this.ctx;
    const stopped = aborted(signal).then(() => "stopped");
    const came = (promise: Promise<unknown>): Promise<string> => promise.then(() => "came");
    const timer = new AbortController();
    let waiting: Promise<string>;
    switch (action.$case) {
      case "sleep":
        waiting = came(sleep(ms(action.value), undefined, { signal: timer.signal }).catch(() => undefined));
        break;
      case "gate":
      case "deafGate":
        waiting = came(this.gates.named(action.value).passed);
        break;
      case "untilShutdown":
        waiting = came(aborted(shutdownSignal));
        break;
      default:
        waiting = new Promise(() => undefined);
    }
    const first = signal.aborted ? "stopped" : await Promise.race([waiting, stopped]);
    timer.abort();
    if (first === "stopped") {
      this.#stopAsked();
      if (action.$case === "deafGate") {
        await waiting;
      } else if (action.$case !== "untilStopped") {
        this.#ended("stop");
        throw signal.reason;
      }
    } else if (action.$case === "untilShutdown") {
      this.#observe({ $case: "shutdownTold", value: this.#who });
    }
  }

  #stopAsked(): void {
    if (!this.#stopReported) {
      this.#stopReported = true;
      const { stopCause: cause } = this.ctx.signal.reason as HandlerStopped;
      this.#observe({ $case: "stopAsked", value: { ...this.#who, cause } });
    }
  }

  /** An action that ends the handler. */
  #end(action: Act): unknown {
    this.#ended(action.$case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    switch (action.$case) {
      case "complete":
        return valueIn(action.value);
      case "fail":
        throw new Error(action.value);
      case "failForGood":
        throw new NonRetryable(action.value);
      case "retryAfter":
        throw new RetryAfter(Number(given(action.value).delay), action.value.message);
      case "snooze":
        throw new Snooze(ms(action.value));
      case "release":
        throw new Release();
      case "crash":
        throw action.value;
      default:
        throw this.ctx.signal.aborted ? this.ctx.signal.reason : new DOMException("stopped", "AbortError");
    }
  }
}

const ENDS = ["complete", "fail", "failForGood", "retryAfter", "snooze", "release", "stop", "crash"];

function isEnd(action: Act): boolean {
  return ENDS.includes(action.$case);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
