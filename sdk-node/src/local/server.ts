// `rockqueue serve` as a child of this process, on a Unix socket that only its own user can open.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff, spread } from "../calls/retry.js";
import { EmbeddedError } from "../errors.js";
import type { Logger } from "../logging.js";
import { GUARD } from "./guard.js";

/** How the server of a local store is started. */
export interface LocalOptions {
  /**
   * The program that serves the store, and its first arguments. @defaultValue the environment variable ROCKQUEUE_COMMAND,
   * else `rockqueue`
   */
  command?: string | readonly string[];
  /** Further arguments of `rockqueue serve`, such as `["--backup-dir", "./backups"]`. @defaultValue none */
  arguments?: readonly string[];
  /** How long the server may take to start, in milliseconds. @defaultValue 20000 */
  startTimeout?: number;
}

const START_TIMEOUT_MS = 20_000;
// A new process gets a folder that the server before it is about to let go of.
const LOCKED_EXIT_CODE = 3;
const LOOK_MS = 15;
const STOP_TIMEOUT_MS = 15_000;
const STDERR_KEPT = 8_192;
const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;

/** A server of a folder, started with its first use, started again when it dies, ended with `stop` or this process. */
export class LocalServer {
  readonly #directory: string;
  readonly #arguments: readonly string[];
  readonly #options: LocalOptions;
  readonly #logger: Logger;
  #starting: Promise<string> | undefined;
  #socketFolder = "";
  #child: ChildProcess | undefined;
  #stopped = false;

  constructor(directory: string, extra: readonly string[], options: LocalOptions, logger: Logger) {
    this.#directory = resolve(directory);
    this.#arguments = [...extra, ...(options.arguments ?? [])];
    this.#options = options;
    this.#logger = logger;
  }

  /** What gRPC dials. Rejects with EmbeddedError when the store cannot be served. */
  address(): Promise<string> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Ends the server in good order; twice is fine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting?.catch(() => undefined);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return;
    }
    const ended = once(child, "exit");
    // The guard ends the server when it reads the end of its input.
    child.stdin?.end();
    child.ref();
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async #start(): Promise<string> {
    this.#socketFolder = await mkdtemp(join(tmpdir(), "rockqueue-"));
    const deadline = performance.now() + (this.#options.startTimeout ?? START_TIMEOUT_MS);
    for (;;) {
      // Nobody's handlers have outlived the former run of this program.
      const problem = await this.#tryStart(deadline, ["--embedded"]);
      if (problem === undefined) {
        return `unix:${join(this.#socketFolder, "s.sock")}`;
      }
      if (problem.exitCode !== LOCKED_EXIT_CODE || performance.now() > deadline || this.#stopped) {
        await rm(this.#socketFolder, { recursive: true, force: true });
        throw problem.error;
      }
      await sleep(LOOK_MS * 10);
    }
  }

  /** Starts the child once; undefined when it serves. */
  async #tryStart(
    deadline: number,
    more: readonly string[] = [],
  ): Promise<{ error: EmbeddedError; exitCode: number | null } | undefined> {
    const ready = join(this.#socketFolder, "ready.json");
    const child = this.#spawn(ready, more);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-STDERR_KEPT);
    });
    let failed: Error | undefined;
    child.once("error", (error) => {
      failed = error;
    });
    while (performance.now() < deadline) {
      if (await isReady(ready)) {
        this.#watch(child);
        return undefined;
      }
      if (failed !== undefined || child.exitCode !== null || child.signalCode !== null) {
        return { error: this.#cannotStart(child, said, failed), exitCode: child.exitCode };
      }
      await sleep(LOOK_MS);
    }
    child.stdin?.end();
    const seconds = (this.#options.startTimeout ?? START_TIMEOUT_MS) / 1000;
    return {
      error: new EmbeddedError(`${this.#directory}: the server did not start within ${seconds} s\n${said}`),
      exitCode: null,
    };
  }

  #spawn(readyFile: string, more: readonly string[]): ChildProcess {
    const wanted = this.#options.command ?? process.env.ROCKQUEUE_COMMAND ?? "rockqueue";
    const command = typeof wanted === "string" ? [wanted] : wanted;
    const socket = `unix:${join(this.#socketFolder, "s.sock")}`;
    const serve = ["serve", this.#directory, "--listen", socket, "--metrics", "off", "--ready-file", readyFile];
    const options = ["--drain-grace", "1s", "--log-level", "warning", ...more, ...this.#arguments];
    // A group of its own: Ctrl-C in a terminal is for this program, which ends the server when it is done with it.
    const child = spawn(
      "/bin/sh",
      ["-c", GUARD, "rockqueue-guard", this.#socketFolder, ...command, ...serve, ...options],
      {
        stdio: ["pipe", "ignore", "pipe"],
        detached: true,
      },
    );
    this.#child = child;
    // The server must not keep this program running.
    child.unref();
    for (const stream of [child.stdin, child.stderr]) {
      stream?.on("error", () => undefined);
      (stream as unknown as { unref(): void } | null)?.unref();
    }
    return child;
  }

  #watch(child: ChildProcess): void {
    child.once("exit", (code, signal) => {
      child.stdin?.destroy();
      if (!this.#stopped) {
        this.#logger.error(
          `the local server of ${this.#directory} ended (${signal ?? `exit code ${code}`}); starting it again`,
        );
        void this.#restart();
      }
    });
  }

  /** Clients find the new server by themselves, on a socket of the same name. */
  async #restart(): Promise<void> {
    for (let failures = 1; !this.#stopped; failures += 1) {
      await this.#makeSocketFolder();
      const deadline = performance.now() + (this.#options.startTimeout ?? START_TIMEOUT_MS);
      const problem = await this.#tryStart(deadline);
      if (problem === undefined) {
        return;
      }
      this.#logger.error(problem.error.message);
      const pause = backoff(failures, FIRST_RESTART_MS, LONGEST_RESTART_MS, spread());
      await sleep(pause, undefined, { ref: false });
    }
  }

  async #makeSocketFolder(): Promise<void> {
    await mkdir(this.#socketFolder, { recursive: true, mode: 0o700 });
  }

  #cannotStart(child: ChildProcess, said: string, cause: Error | undefined): EmbeddedError {
    const notFound = child.exitCode === 127;
    const advice = notFound
      ? "The program `rockqueue` was not found: in a checkout `make setup` puts it into .venv/bin, elsewhere " +
        "`pip install rockqueue-server` does; then add its folder to PATH, or name it in ROCKQUEUE_COMMAND."
      : said.trim() || `exit code ${child.exitCode}`;
    return new EmbeddedError(`${this.#directory} cannot be served. ${advice}`, { cause });
  }
}

async function isReady(file: string): Promise<boolean> {
  try {
    JSON.parse(await readFile(file, "utf8"));
    return true;
  } catch {
    return false;
  }
}
