// Starts a session where user code cannot block it: in a thread of its own, or here where there can be none.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import { Channel } from "../calls/channel.js";
import { ServerError } from "../errors.js";
import type { Logger } from "../logging.js";
import type { FromSession, SessionLink, SessionListener, SessionOptions, ThreadData, ToSession } from "./parts.js";
import { errorOf } from "./passing.js";
import { Session } from "./session.js";

const THREAD_FILE = new URL("./thread.js", import.meta.url);

/** A session that has begun. */
export interface RunningSession {
  readonly link: SessionLink;
  /** Resolves when the session is over; rejects with what made it fail. */
  readonly ended: Promise<void>;
}

/** Begins a session. */
export function startSession(
  address: string,
  options: SessionOptions,
  listener: SessionListener,
  inThread: boolean,
  logger: Logger,
): RunningSession {
  if (!inThread) {
    return startHere(address, options, listener);
  }
  if (!existsSync(fileURLToPath(THREAD_FILE))) {
    logger.warn(
      "the file of the session thread is missing, as when a bundler has put this package into one file: heartbeats come " +
        "from the main thread, and a handler that blocks it longer than the lease loses its job. Mark `rockqueue` as external.",
    );
    return startHere(address, options, listener);
  }
  return startThread(address, options, listener);
}

function startHere(address: string, options: SessionOptions, listener: SessionListener): RunningSession {
  const channel = new Channel(address);
  const link = new Session(channel, options, listener);
  return { link, ended: link.run().finally(() => channel.close()) };
}

function startThread(address: string, options: SessionOptions, listener: SessionListener): RunningSession {
  const workerData: ThreadData = { address, options };
  const thread = new Thread(THREAD_FILE, { workerData, name: "rockqueue-session", execArgv: [] });
  const ended = new Promise<void>((resolve, reject) => {
    thread.on("message", ([kind, ...parameters]: FromSession) => {
      if (kind === "ended") {
        const [failure] = parameters;
        failure === undefined ? resolve() : reject(errorOf(failure as Parameters<typeof errorOf>[0]));
      } else {
        (listener[kind] as (...given: unknown[]) => void)(...parameters);
      }
    });
    thread.once("error", (cause) => reject(new ServerError(`the session thread failed: ${cause.message}`, { cause })));
    thread.once("exit", (code) => reject(new ServerError(`the session thread ended with exit code ${code}`)));
  });
  const send = (...message: ToSession): void => thread.postMessage(message);
  const link: SessionLink = {
    settle: (entries) => send("settle", entries),
    report: (reports) => send("report", reports),
    dropped: (tokens) => send("dropped", tokens),
    stuck: (tokens) => send("stuck", tokens),
    flush: (id) => send("flush", id),
    drain: () => send("drain"),
    sayGoodbye: () => send("sayGoodbye"),
    beat: () => send("beat"),
    close: () => send("close"),
  };
  return { link, ended };
}
