// Load `single_push`: many callers in one process, each pushing one job at a time through the SDK.
import { Samples } from "./link.js";
import { noop, payloadOf, withClient } from "./noop-job.js";

/**
 * Parameters: address, callers, payload_bytes, seconds, warm_up_seconds.
 * @param {import("./link.js").Link} link
 */
export async function singlePush(link) {
  const { address, callers, payload_bytes, seconds, warm_up_seconds } = link.params;
  const payload = payloadOf(payload_bytes);
  await withClient(address, async (client) => {
    /**
     * @param {number} untilMs
     * @param {number[]} latenciesMs
     */
    const callUntil = async (untilMs, latenciesMs) => {
      while (performance.now() < untilMs) {
        const beganMs = performance.now();
        await noop.push(client, payload);
        latenciesMs.push(performance.now() - beganMs);
      }
    };

    /**
     * @param {number} lastingS
     * @param {number[]} latenciesMs
     */
    const pushFor = async (lastingS, latenciesMs) => {
      const beganMs = performance.now();
      await Promise.all(Array.from({ length: callers }, () => callUntil(beganMs + lastingS * 1000, latenciesMs)));
      return (performance.now() - beganMs) / 1000;
    };

    await pushFor(warm_up_seconds, []);
    await link.ready();
    /** @type {number[]} */
    const latenciesMs = [];
    const samples = new Samples(() => latenciesMs.length);
    const took = await pushFor(seconds, latenciesMs);
    link.done({ jobs: latenciesMs.length, seconds: took, samples: samples.stop() }, latenciesMs);
  });
}
