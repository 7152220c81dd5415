// Reading events no faster than the runner asks for them.
import { setTimeout as sleep } from "node:timers/promises";
import type { Event, EventStream } from "rockqueue";

/** Takes no more events from the SDK than were asked for; one that came too late is kept for the next command. */
export class EventReader {
  readonly stream: EventStream;
  #taken: Event[] = [];
  #reading: Promise<void> | undefined;

  constructor(stream: EventStream) {
    this.stream = stream;
  }

  /** Up to so many events, within the time. */
  async read(count: number, timeoutMs: number): Promise<Event[]> {
    this.#reading ??= this.#take(count - this.#taken.length).finally(() => {
      this.#reading = undefined;
    });
    const timer = new AbortController();
    const timeUp = sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.#reading, timeUp]).finally(() => timer.abort());
    return this.#taken.splice(0, count);
  }

  async #take(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const { value, done } = await this.stream.next();
      if (done) {
        return;
      }
      this.#taken.push(value);
    }
  }
}
