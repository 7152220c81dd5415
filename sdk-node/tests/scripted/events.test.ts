import { status } from "@grpc/grpc-js";
import { Client, CursorExpired, type Event } from "rockqueue";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Event as EventMessage, type WatchEventsRequest } from "../../src/gen/rockqueue/v1/event_service.js";
import { UNAVAILABLE } from "../support/refusal.js";
import { ScriptedServer } from "../support/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start();
  client = new Client(server.url, { logger: false });
});

afterEach(async () => {
  await client.close();
  server.close();
});

const events = (...cursors: string[]) => ({
  events: cursors.map((cursor) => EventMessage.fromPartial({ cursor, type: 1, jobId: cursor })),
  cursor: cursors.at(-1) ?? "",
});
const checkpoint = (cursor: string) => ({ events: [], cursor });
const cursors = (): (string | undefined)[] =>
  server.of<WatchEventsRequest>("WatchEvents").map(({ from }) => (from?.$case === "cursor" ? from.value : undefined));

async function take(stream: AsyncIterable<Event>, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const event of stream) {
    found.push(event.cursor);
    if (found.length === count) {
      break;
    }
  }
  return found;
}

it("a broken stream goes on after the last event", async () => {
  server.watches.push([checkpoint("0"), events("1", "2"), UNAVAILABLE], [UNAVAILABLE], [events("3")]);
  expect(await take(client.events(), 3)).toEqual(["1", "2", "3"]);
  expect(cursors()).toEqual([undefined, "2", "2"]);
});

it("the cursor is where everything before was handed out", async () => {
  server.watches.push([checkpoint("0"), events("1", "2")]);
  const stream = await client.events().start();
  expect(stream.cursor).toBe("0");
  await stream.next();
  expect(stream.cursor).toBe("1");
  await stream.next();
  expect(stream.cursor).toBe("2");
  await stream.close();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

it("events of a type that this version does not know are skipped", async () => {
  const unknown = { events: [EventMessage.fromPartial({ cursor: "1", type: 999 as never })], cursor: "1" };
  server.watches.push([unknown, events("2")]);
  expect(await take(client.events(), 1)).toEqual(["2"]);
});

it("a cursor that is no longer kept is an error that says where to go on", async () => {
  const metadata = { earliest_cursor: "9" };
  server.watches.push([{ code: status.OUT_OF_RANGE, reason: "CURSOR_EXPIRED", metadata }]);
  const error = await client
    .events({ after: "1" })
    .next()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CursorExpired);
  expect((error as CursorExpired).earliestCursor).toBe("9");
});

it("asks for what was wanted", async () => {
  server.watches.push([events("1")]);
  const wanted = { queues: ["q"], names: ["n"], jobIds: ["j"], flowIds: ["f"], schedules: ["s"] };
  await take(client.events({ ...wanted, types: ["JOB_DEAD"], beginning: true }), 1);
  const [request] = server.of<WatchEventsRequest>("WatchEvents");
  expect(request).toEqual({
    from: { $case: "beginning", value: true },
    filter: { ...wanted, types: [11] },
  });
  expect(() => client.events({ after: "1", beginning: true })).toThrow(TypeError);
});

it("ends with the reason of its signal", async () => {
  server.watches.push([checkpoint("0")]);
  const abort = new AbortController();
  const stream = await client.events({ signal: abort.signal }).start();
  const next = stream.next();
  abort.abort(new Error("enough"));
  await expect(next).rejects.toThrow("enough");
});
