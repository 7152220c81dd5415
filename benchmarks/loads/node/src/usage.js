// What this process has used so far: processor time of all threads, memory, bytes sent to the disk.
import { readFileSync } from "node:fs";

/** @typedef {{ cpu_s: number, rss_mb: number, written_mb: number }} Usage */

/** @returns {Usage} */
export function usage() {
  const { user, system } = process.cpuUsage();
  return { cpu_s: (user + system) / 1e6, rss_mb: process.memoryUsage.rss() / 1e6, written_mb: writtenMb() };
}

/**
 * What was used after `before` was read. The memory is that of now.
 * @param {Usage} before
 * @returns {Usage}
 */
export function usageSince(before) {
  const now = usage();
  return { cpu_s: now.cpu_s - before.cpu_s, rss_mb: now.rss_mb, written_mb: now.written_mb - before.written_mb };
}

// Nothing where a container hides the file.
function writtenMb() {
  try {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"));
    return Number(found?.[1] ?? 0) / 1e6;
  } catch {
    return 0;
  }
}
