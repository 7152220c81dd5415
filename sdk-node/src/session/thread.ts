// The thread that a worker session runs in: its own event loop and its own connection, so that a handler which blocks the
// main thread keeps its job.
import { parentPort, workerData } from "node:worker_threads";
import { Channel } from "../calls/channel.js";
import type { FromSession, SessionLink, SessionListener, ThreadData, ToSession } from "./parts.js";
import { errorData } from "./passing.js";
import { Session } from "./session.js";

function tell(...message: FromSession): void {
  parentPort?.postMessage(message);
}

// Bytes go over as a copy that the main thread then owns: a view of a larger buffer would take all of it along.
function hand(kind: "onDeliveries" | "onCancels", bytes: Uint8Array): void {
  const copy = new Uint8Array(bytes);
  parentPort?.postMessage([kind, copy], [copy.buffer]);
}

const listener: SessionListener = {
  onDeliveries: (deliveries) => hand("onDeliveries", deliveries),
  onCancels: (response) => hand("onCancels", response),
  onLost: (tokens) => tell("onLost", tokens),
  onServerDrain: () => tell("onServerDrain"),
  onFlushed: (id) => tell("onFlushed", id),
  onLog: (level, message) => tell("onLog", level, message),
};

const { address, options } = workerData as ThreadData;
const channel = new Channel(address);
const session = new Session(channel, options, listener);

parentPort?.on("message", ([call, ...parameters]: ToSession) => {
  (session[call] as (...given: unknown[]) => void).apply(session satisfies SessionLink, parameters);
});

session
  .run()
  .then(
    () => undefined,
    (error: unknown) => errorData(error),
  )
  .then((failure) => {
    tell("ended", failure);
    channel.close();
    parentPort?.close();
  });
