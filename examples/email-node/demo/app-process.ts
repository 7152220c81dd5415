// The web app as a process that can be killed, and what is left on disk when it is dead.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const LOCKED_EXIT_CODE = 3;
const SERVE = fileURLToPath(new URL("../src/serve.ts", import.meta.url));

/** A running web app. */
export class AppProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Starts the app on the files in `store`. Rejects with its last words when it does not get that far. */
  static async start(store: string, mailServer: string): Promise<AppProcess> {
    // Run by its own id, not below a shell or npx: kill -9 must hit the app itself.
    const child = spawn(process.execPath, ["--import", "tsx", SERVE, "--data", store, "--port", "0"], {
      env: { ...process.env, MAIL_SERVER: mailServer },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const [, url] = /listening on (\S+)/.exec(line) ?? [];
        if (url !== undefined) {
          child.stdout.resume();
          return new AppProcess(child, url);
        }
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`the app did not start within ${READY_TIMEOUT_MS / 1000} s; its last words stand above`);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** `kill -9`: the app gets no chance to say goodbye. Resolves when it is gone. */
  async kill(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  /** Asks the app to end and resolves to its exit code; kills it when it does not. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      this.child.kill("SIGTERM");
      await exited;
      clearTimeout(timer);
    }
    return this.child.exitCode;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    return (await response.json()) as T;
  }
}

/** What `rockqueue check` found. */
export interface Remains {
  jobs: number;
  problems: string[];
  queues: Record<string, Record<string, number>>;
}

/** Examines files that no process has open; the server of a killed app takes a moment to notice its death. */
export async function examine(store: string): Promise<Remains> {
  for (const deadline = Date.now() + STOP_TIMEOUT_MS; ; await sleep(50)) {
    try {
      const { stdout } = await promisify(execFile)("rockqueue", ["check", store, "--json"]);
      return JSON.parse(stdout) as Remains;
    } catch (error) {
      const { code, stdout = "" } = error as { code?: number; stdout?: string };
      if (code !== LOCKED_EXIT_CODE || Date.now() > deadline) {
        throw new Error(`rockqueue check failed with exit code ${code}\n${stdout}`, { cause: error });
      }
    }
  }
}
