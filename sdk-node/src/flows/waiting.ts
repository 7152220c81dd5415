// Waiting for a flow: by the event of its end, so that nothing is asked while nothing happens.
import type { Caller, CallOptions } from "../calls/caller.js";
import { flowMethods } from "../calls/methods.js";
import { checkedMs } from "../durations.js";
import { CursorExpired, DeadlineExceeded } from "../errors.js";
import { EventStream } from "../events.js";
import { type FlowInfo, flowInfo } from "../models/flow.js";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves to the flow once it is finished. Rejects with DeadlineExceeded when the time is up first. */
export async function waitForFlow(
  caller: () => Caller,
  flowId: string,
  { timeoutMs, signal }: CallOptions,
): Promise<FlowInfo> {
  const clock = timeoutMs === undefined ? undefined : AbortSignal.timeout(wholeMs(timeoutMs));
  const ends = [signal, clock].filter((one) => one !== undefined);
  const until = ends.length === 0 ? undefined : AbortSignal.any(ends);
  try {
    for (;;) {
      const flow = await untilFinished(caller, flowId, until);
      if (flow !== undefined) {
        return flow;
      }
    }
  } catch (error) {
    if (clock?.aborted && !signal?.aborted) {
      throw new DeadlineExceeded(`flow ${flowId} is not finished after ${timeoutMs} ms`, { cause: error });
    }
    throw error;
  }
}

/** A timeout that a timer can hold. */
function wholeMs(timeoutMs: number): number {
  return Math.min(Math.ceil(checkedMs(timeoutMs, "timeoutMs")), LONGEST_TIMER_MS);
}

/** The finished flow; undefined when the stream fell behind what the server keeps, and has to be opened anew. */
async function untilFinished(
  caller: () => Caller,
  flowId: string,
  signal: AbortSignal | undefined,
): Promise<FlowInfo | undefined> {
  const events = new EventStream(caller, { flowIds: [flowId], types: ["FLOW_FINISHED"], signal });
  try {
    // The stream first: an end between the two is in it.
    await events.start();
    for (;;) {
      const { flow } = await caller().call(flowMethods.getFlow, { flowId, pageSize: 1, pageToken: "" }, { signal });
      const info = flowInfo(flow);
      if (info.state !== "RUNNING") {
        return info;
      }
      // A flow that was put back meanwhile is RUNNING again: its next end is another event.
      if ((await events.next()).done) {
        signal?.throwIfAborted();
        return undefined;
      }
    }
  } catch (error) {
    if (error instanceof CursorExpired) {
      return undefined;
    }
    throw error;
  } finally {
    await events.close();
  }
}
