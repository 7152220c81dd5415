// Latencies summed up as percentiles, by rank, as the harness does it for the loads in Python.

/**
 * @param {number[]} samplesMs
 * @returns {{ count: number, p50: number, p99: number, p99_9: number } | null}
 */
export function latencyOf(samplesMs) {
  if (samplesMs.length === 0) {
    return null;
  }
  const ordered = Float64Array.from(samplesMs).sort();
  /** @param {number} perMille */
  const percentile = (perMille) =>
    ordered[Math.max(Math.ceil((perMille * ordered.length) / 1000), 1) - 1] ?? Number.NaN;
  return { count: ordered.length, p50: percentile(500), p99: percentile(990), p99_9: percentile(999) };
}
