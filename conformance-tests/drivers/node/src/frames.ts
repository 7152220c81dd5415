// Frames on stdin and stdout, and the numbering of observations.
import type { Logger } from "rockqueue";
import { Command, type Observation, Report } from "./gen/rockqueue/conformance/v1/driver.js";

const LENGTH_BYTES = 4;

/** Something that happened by itself. */
export type Observed = NonNullable<Observation["observation"]>;

// What anybody prints goes where people read it.
console.log = console.error;
console.info = console.error;

let observations = 0;

/** Writes a report. */
export function report(what: NonNullable<Report["report"]>): void {
  const data = Report.encode({ report: what }).finish();
  const frame = Buffer.alloc(LENGTH_BYTES + data.length);
  frame.writeUInt32BE(data.length);
  frame.set(data, LENGTH_BYTES);
  process.stdout.write(frame);
}

/** Writes an observation with the next number. */
export function observe(observation: Observed): void {
  observations += 1;
  report({ $case: "observation", value: { sequence: observations, observation } });
}

const log =
  (level: string) =>
  (text: string): void =>
    observe({ $case: "log", value: { level, text } });

/** What the SDK logs becomes an observation. */
export const observingLogger: Logger = {
  debug: () => undefined,
  info: log("info"),
  warn: log("warning"),
  error: log("error"),
};

/** Every command, to the end of the input. */
export async function* commands(): AsyncGenerator<Command> {
  let rest = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt32BE()) {
      const end = LENGTH_BYTES + rest.readUInt32BE();
      yield Command.decode(new Uint8Array(rest.subarray(LENGTH_BYTES, end)));
      rest = rest.subarray(end);
    }
  }
}
