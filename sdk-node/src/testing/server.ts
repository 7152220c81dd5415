// A real server with a virtual clock, as a child of the test's process.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channel } from "../calls/channel.js";
import { clockMethods, type Method, storeMethods } from "../calls/methods.js";
import { Client, type ClientOptions } from "../client.js";
import { checkedMs, fromTimestamp, type Milliseconds, toDuration } from "../durations.js";
import { type LocalOptions, LocalServer } from "../local/server.js";
import { SILENT } from "../logging.js";

const TIMEOUT_MS = 30_000;

/** How the server of a test is started. */
export interface RockQueueServerOptions extends LocalOptions {
  /** Where the jobs are kept. @defaultValue a folder of its own, removed by `close` */
  directory?: string;
}

/**
 * A server for tests: `client()` talks to it, `advance()` turns its clock.
 *
 * The clock runs by the wall clock until it is first advanced or frozen; from then on it moves by `advance` alone. Leases and
 * timeouts follow it too: a job that runs while the clock is turned past its lease is delivered again.
 */
export class RockQueueServer implements AsyncDisposable {
  /** What clients of other processes connect to. */
  readonly url: string;

  readonly #server: LocalServer;
  readonly #channel: Channel;
  readonly #ownFolder: string | undefined;
  readonly #clients = new Set<Client>();

  private constructor(server: LocalServer, address: string, ownFolder: string | undefined) {
    this.#server = server;
    this.#channel = new Channel(address);
    this.#ownFolder = ownFolder;
    this.url = address.replace("unix:", "unix://");
  }

  /** Starts a server. Rejects with EmbeddedError. */
  static async start({ directory, ...options }: RockQueueServerOptions = {}): Promise<RockQueueServer> {
    const ownFolder = directory === undefined ? await mkdtemp(join(tmpdir(), "rockqueue-test-")) : undefined;
    const folder = directory ?? join(ownFolder as string, "jobs.db");
    const server = new LocalServer(folder, ["--testing"], options, SILENT);
    try {
      return new RockQueueServer(server, await server.address(), ownFolder);
    } catch (error) {
      await removeFolder(ownFolder);
      throw error;
    }
  }

  /** A client of this server; it is closed with the server, if not before. */
  client(options: ClientOptions = {}): Client {
    const client = new Client(this.url, options);
    this.#clients.add(client);
    return client;
  }

  /** Turns the clock forward by so many milliseconds; resolves to its time once all that became due is done and on disk. */
  async advance(by: Milliseconds): Promise<Date> {
    const { now } = await this.#call(clockMethods.advanceClock, { by: toDuration(checkedMs(by, "by"), "by") });
    for (const client of this.#clients) {
      letWorkersBeat(client);
    }
    return fromTimestamp(now);
  }

  /** Stops the clock and resolves to its time. */
  async freeze(): Promise<Date> {
    return fromTimestamp((await this.#call(clockMethods.freezeClock, {})).now);
  }

  /** Lets the clock run again from where it is. */
  async resume(): Promise<Date> {
    return fromTimestamp((await this.#call(clockMethods.resumeClock, {})).now);
  }

  /** The clock's time. */
  async now(): Promise<Date> {
    return fromTimestamp((await this.#call(clockMethods.getClock, {})).now);
  }

  /** What does not agree in the store; empty when the books balance. */
  async problems(): Promise<string[]> {
    return (await this.#call(storeMethods.verifyStore, {})).problems;
  }

  /** Closes the clients and ends the server. Stop workers first. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    this.#channel.close();
    await this.#server.stop();
    await removeFolder(this.#ownFolder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    return this.#channel.unary(method, request, TIMEOUT_MS);
  }
}

// By the virtual clock they have said nothing for long, and a server sends no jobs to workers that hang.
function letWorkersBeat(client: Client): void {
  for (const heart of client._hearts()) {
    heart.beat();
  }
}

async function removeFolder(folder: string | undefined): Promise<void> {
  if (folder !== undefined) {
    await rm(folder, { recursive: true, force: true });
  }
}
