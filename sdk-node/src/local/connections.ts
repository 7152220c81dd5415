// From a URL to a connection: straight to a server, or to the one child that serves a local store in this process.
import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Connection } from "../calls/caller.js";
import { Channel } from "../calls/channel.js";
import type { Logger } from "../logging.js";
import type { Target } from "../url.js";
import { type LocalOptions, LocalServer } from "./server.js";

/** A connection to a server that runs elsewhere. */
class RemoteConnection implements Connection {
  readonly #address: string;
  #channel: Channel | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  address(): string {
    return this.#address;
  }

  channel(): Channel {
    this.#channel ??= new Channel(this.#address);
    return this.#channel;
  }

  async close(): Promise<void> {
    this.#channel?.close();
  }
}

/** A connection to a child of this process, which its clients share. */
class LocalConnection implements Connection {
  readonly #share: Share;
  #channel: Promise<Channel> | undefined;
  #closed: Promise<void> | undefined;

  constructor(share: Share) {
    this.#share = share;
    share.users += 1;
  }

  address(): Promise<string> {
    return this.#share.server.address();
  }

  channel(): Promise<Channel> {
    this.#channel ??= this.address().then(
      (address) => new Channel(address),
      (error: unknown) => {
        this.#channel = undefined;
        throw error;
      },
    );
    return this.#channel;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const channel = await this.#channel?.catch(() => undefined);
    channel?.close();
    this.#share.users -= 1;
    if (this.#share.users === 0) {
      shares.delete(this.#share.key);
      await this.#share.server.stop();
    }
  }
}

interface Share {
  readonly key: string;
  readonly server: LocalServer;
  users: number;
}

const shares = new Map<string, Share>();

/** A connection to what a URL names. No I/O but a look at where a folder really is. */
export function connectionTo(target: Target, options: LocalOptions, logger: Logger): Connection {
  if (target.kind === "grpc") {
    return new RemoteConnection(target.address);
  }
  const key = realPath(target.address);
  let share = shares.get(key);
  if (share === undefined) {
    share = { key, server: new LocalServer(key, [], options, logger), users: 0 };
    shares.set(key, share);
  }
  return new LocalConnection(share);
}

/** The folder without symbolic links, also when it does not exist yet. */
function realPath(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return join(realPath(dirname(whole)), basename(whole));
  }
}
