// The people who use the web app: they sign up, forget their passwords, and remember every 202 they were given.
import type { AppProcess } from "./app-process.ts";

const IN_FLIGHT = 8;

export type Wish = "signup" | "reset-password";

/** Visitors of one app, across its deaths. */
export class Visitors {
  /** The job ids of all requests that were answered with 202. */
  readonly acknowledged: string[] = [];
  /** Requests without an answer: the mail may or may not be on disk. */
  unanswered = 0;
  #next = 1;

  /** Posts the wishes, a few at a time, and resolves when all are answered. */
  async visit(app: AppProcess, wishes: readonly Wish[]): Promise<void> {
    const left = [...wishes];
    const ask = async (): Promise<void> => {
      for (let wish = left.shift(); wish !== undefined; wish = left.shift()) {
        await this.#ask(app, wish);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, ask));
  }

  async #ask(app: AppProcess, wish: Wish): Promise<void> {
    const email = `visitor-${String(this.#next++).padStart(2, "0")}@mail.example`;
    try {
      const response = await fetch(`${app.url}/${wish}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email }),
        signal: AbortSignal.timeout(10_000),
      });
      if (response.status !== 202) {
        throw new Error(`${wish} was answered with ${response.status}`);
      }
      this.acknowledged.push(((await response.json()) as { job_id: string }).job_id);
    } catch (error) {
      console.log(`  no 202 for ${email}: ${error}`);
      this.unanswered += 1;
    }
  }
}
