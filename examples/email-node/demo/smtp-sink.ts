// A mail server for the demo and the tests: takes mail on loopback, refuses a share of it, and remembers what it accepted.
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { SMTPServer, type SMTPServerDataStream } from "smtp-server";

/** One accepted mail. */
export interface Arrival {
  jobId: string;
  attempt: number;
  messageId: string;
  recipient: string;
  subject: string;
}

/** What a sink does with its mails. */
export interface SinkOptions {
  /** The share that gets a temporary refusal (451), 0 to 1. */
  share?: number;
  /** Decides which deliveries are refused: the same ones in each run, whatever their order. */
  seed?: number;
  /**
   * How long a mail takes, more or less, in milliseconds: half of it before it is decided on, half of it before the
   * answer. So a sender that is killed meanwhile may be killed after its mail was taken, as with real mail servers.
   */
  pauseMs?: number;
  /** Called with each accepted mail, before the sender hears of it. */
  accepted?: (mail: Arrival) => void;
}

/** A running mail server. */
export class SmtpSink implements AsyncDisposable {
  readonly arrivals: Arrival[] = [];
  /** The share that is refused from now on. */
  share: number;
  /** A recipient that does not exist: refused for good (550). */
  unknown = "";
  readonly #options: SinkOptions;
  readonly #server: SMTPServer;

  private constructor(options: SinkOptions) {
    this.share = options.share ?? 0;
    this.#options = options;
    this.#server = new SMTPServer({
      disabledCommands: ["AUTH", "STARTTLS"],
      onRcptTo: ({ address }, _, callback) =>
        callback(address === this.unknown ? refusal(550, "No such mailbox") : null),
      onData: (stream, _, callback) => void this.#take(stream).then(() => callback(), callback),
    });
    // A sender that was killed is no concern of a mail server.
    this.#server.on("error", () => undefined);
  }

  /** Takes mail from now on. Port 0: the system chooses one. */
  static async start(options: SinkOptions = {}, port = 0): Promise<SmtpSink> {
    const sink = new SmtpSink(options);
    sink.#server.listen(port, "127.0.0.1");
    await once(sink.#server.server, "listening");
    return sink;
  }

  /** What MAIL_SERVER is to be. */
  get address(): string {
    return `127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  async #take(stream: SMTPServerDataStream): Promise<void> {
    const mail = read(await text(stream));
    const { seed = 1, pauseMs = 0, accepted } = this.#options;
    const pause = pauseMs * (0.5 + chance(seed, "pause", mail.recipient, mail.attempt));
    await sleep(pause / 2);
    if (chance(seed, mail.recipient, mail.subject, mail.attempt) < this.share) {
      throw refusal(451, "4.3.0 Try again later");
    }
    this.arrivals.push(mail);
    accepted?.(mail);
    await sleep(pause / 2);
  }
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

function read(mail: string): Arrival {
  const header = (name: string): string => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(mail)?.[1] ?? "";
  return {
    jobId: header("X-Job-Id"),
    attempt: Number(header("X-Attempt")),
    messageId: header("Message-ID"),
    recipient: header("To"),
    subject: header("Subject"),
  };
}

/** A number from 0 to 1 that looks like chance, and is the same each time for the same values. */
function chance(...about: readonly unknown[]): number {
  return createHash("sha256").update(about.join("\n")).digest().readUInt32BE() / 2 ** 32;
}
