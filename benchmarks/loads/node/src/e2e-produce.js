// Load `e2e_produce`: pushes batches through the SDK while another process works them off.
import { monotonicNs } from "./link.js";
import { noop, payloadOf, WARM_QUEUE, withClient } from "./noop-job.js";

/**
 * Parameters: address, batch, in_flight, jobs, payload_bytes, seconds (it stops then, with fewer jobs), warm_up_batches.
 * @param {import("./link.js").Link} link
 */
export async function e2eProduce(link) {
  const { address, batch, in_flight, jobs, payload_bytes, seconds, warm_up_batches } = link.params;
  const payload = payloadOf(payload_bytes);
  await withClient(address, async (client) => {
    const warm = noop.options({ queue: WARM_QUEUE });
    for (let index = 0; index < warm_up_batches; index++) {
      await client.pushMany(Array.from({ length: batch }, () => warm.new(payload)));
    }
    await link.ready();
    const beganNs = monotonicNs();
    const elapsed = () => (monotonicNs() - beganNs) / 1e9;
    let pushed = 0;
    /** @type {number[]} */
    const latenciesMs = [];

    const lane = async () => {
      while (pushed < jobs && elapsed() < seconds) {
        pushed += batch;
        const callMs = performance.now();
        await client.pushMany(Array.from({ length: batch }, () => noop.new(payload)));
        latenciesMs.push(performance.now() - callMs);
      }
    };

    await Promise.all(Array.from({ length: in_flight }, lane));
    link.done({ jobs: pushed, seconds: elapsed(), began_ns: beganNs }, latenciesMs);
  });
}
