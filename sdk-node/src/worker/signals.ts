// SIGINT and SIGTERM, for programs that leave them to the worker.

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Calls `tell` for each signal until the returned function is called. */
export function onSignals(tell: () => void): () => void {
  for (const signal of SIGNALS) {
    process.on(signal, tell);
  }
  return () => {
    for (const signal of SIGNALS) {
      process.removeListener(signal, tell);
    }
  };
}
