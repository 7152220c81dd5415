// Waiting, but not for ever.

/** True when the promise resolved within so many milliseconds; false when the time was up, or the signal aborted, first. */
export function withinMs(promise: Promise<void>, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (inTime: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      resolve(inTime);
    };
    const giveUp = (): void => end(false);
    const timer = setTimeout(giveUp, ms);
    if (signal?.aborted) {
      giveUp();
    }
    signal?.addEventListener("abort", giveUp, { once: true });
    promise.then(() => end(true), reject);
  });
}
