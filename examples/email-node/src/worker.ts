// The worker: takes mails from the queue and sends them, a few at a time.
import { type Client, Worker } from "rockqueue";
import { sendPasswordReset, sendWelcome } from "./mails.ts";
import { newsJobs } from "./newsletter.ts";
import { isEmbedded, type QueueSettings } from "./settings.ts";

// An embedded queue has no network that could fail for a while: a worker that is gone is gone.
const EMBEDDED_RESUME_GRACE_MS = 1000;

/**
 * A worker that sends up to four mails at once. It fetches nothing ahead: a mail that already lies with a worker cannot be
 * overtaken any more.
 */
export function mailWorker(client: Client, settings: QueueSettings): Worker {
  // shown in the README: [worker]
  return new Worker(client, {
    jobs: [sendWelcome, sendPasswordReset, ...newsJobs],
    concurrency: 4,
    prefetch: 0,
    lease: settings.leaseMs,
    resumeGrace: isEmbedded(settings) ? EMBEDDED_RESUME_GRACE_MS : undefined,
  });
  // shown in the README: [/worker]
}
