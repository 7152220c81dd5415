// A running app on a store of its own, with a real mail server: what the tests of the app stand on.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { SmtpSink } from "../demo/smtp-sink.ts";
import { createApp } from "../src/app.ts";

const PATIENCE_MS = 15_000;

export type Figures = Record<
  "waiting" | "delayed" | "active" | "completed" | "dead" | "cancelled" | "oldest_age_s",
  number
>;

export interface Mail {
  job_id: string;
  name: string;
  state: string;
  attempt: number;
  failures: number;
  last_error: string | null;
}

/** What is to be ended after a test, the last first: the runner would begin with the first. */
export class Ending {
  readonly #ends: (() => Promise<unknown>)[] = [];

  /** Made for a test, `new Ending(t)`, or for a file of tests, `new Ending({ after })`. */
  constructor(test: { after(run: () => Promise<void>): void }) {
    test.after(async () => {
      for (const end of this.#ends.reverse()) {
        await end();
      }
    });
  }

  defer(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }
}

/** A mail server that takes everything unless told otherwise. */
export async function openPostOffice(ending: Ending): Promise<SmtpSink> {
  const sink = await SmtpSink.start();
  process.env.MAIL_SERVER = sink.address;
  ending.defer(() => sink[Symbol.asyncDispose]());
  return sink;
}

/** The URL of a store in a folder of its own. */
export async function makeStore(ending: Ending): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rockqueue-email-test-"));
  ending.defer(() => rm(folder, { recursive: true, force: true }));
  return `embedded:${join(folder, "jobs.db")}`;
}

/** The app, and what a visitor can do with it. */
export class Shop {
  private constructor(readonly app: FastifyInstance) {}

  /** Opens the app; it is closed with the test, if not before. */
  static async open(ending: Ending, url: string): Promise<Shop> {
    const app = await createApp({ url });
    ending.defer(() => app.close());
    await app.ready();
    return new Shop(app);
  }

  post(path: string, body?: object): Promise<LightMyRequestResponse> {
    return this.app.inject({ method: "POST", url: path, ...(body && { payload: body }) });
  }

  async get<T>(path: string): Promise<T> {
    return (await this.app.inject(path)).json<T>();
  }

  /** Asks for a mail and returns its job's id. */
  async askFor(wish: "signup" | "reset-password", email = "ann@mail.example", tenant?: string): Promise<string> {
    const response = await this.post(`/${wish}`, { email, tenant });
    assert.equal(response.statusCode, 202, response.body);
    return response.json<{ job_id: string }>().job_id;
  }

  figures(): Promise<Figures> {
    return this.get<Figures>("/stats");
  }

  /** Asks again and again until a mail is in one of these states. */
  async until(id: string, ...states: string[]): Promise<Mail> {
    for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(20)) {
      const mail = await this.get<Mail>(`/jobs/${id}`);
      if (states.includes(mail.state)) {
        return mail;
      }
      assert.ok(Date.now() < deadline, `not ${states} within ${PATIENCE_MS} ms: ${JSON.stringify(mail)}`);
    }
  }
}
