// Where the app finds its queue and its mail server.

const DEFAULT_MAIL_SERVER = "127.0.0.1:2525";

/** Where the jobs are, and how patient the queue is with a worker. */
export interface QueueSettings {
  /** `embedded:./jobs.db` for files of this process, `rockqueue://host:port` for a server. */
  readonly url: string;
  /**
   * How long a worker may be silent before its mails go to another one, in milliseconds: 1000 or more. A worker that is
   * alive is never silent for that long: the client sends heartbeats by itself. Default: 30000.
   */
  readonly leaseMs?: number;
}

/** Whether the queue runs for this process alone, and so the worker does too. */
export function isEmbedded({ url }: QueueSettings): boolean {
  return url.startsWith("embedded:");
}

/**
 * Host and port of the mail server, from the environment variable MAIL_SERVER (default: 127.0.0.1:2525). Throws a
 * RangeError when it is not of the form `host:port`.
 */
export function mailServer(): { host: string; port: number } {
  const address = process.env.MAIL_SERVER ?? DEFAULT_MAIL_SERVER;
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === undefined || port === undefined) {
    throw new RangeError(`MAIL_SERVER must be host:port, such as ${DEFAULT_MAIL_SERVER}, not "${address}"`);
  }
  return { host, port: Number(port) };
}
