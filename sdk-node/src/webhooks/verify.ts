/**
 * Receiving webhooks: whether a request comes from RockQueue, and what it says. Needs no client and no server.
 *
 * @example
 * import { verifyWebhook, WebhookVerificationError } from "rockqueue/webhooks";
 *
 * app.post("/hooks", express.raw({ type: "application/json" }), (request, response) => {
 *   try {
 *     const event = verifyWebhook(request.body, request.headers, process.env.WEBHOOK_SECRET);
 *     console.log(event.type, event.data.job_id);
 *     response.sendStatus(204);
 *   } catch (error) {
 *     response.sendStatus(error instanceof WebhookVerificationError ? 400 : 500);
 *   }
 * });
 *
 * @packageDocumentation
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { checkedMs, type Milliseconds } from "../durations.js";
import { WebhookVerificationError } from "../errors.js";

export { WebhookVerificationError };

const PREFIX = "whsec_";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SECONDS = /^[0-9]{1,12}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;
const TOLERANCE_MS = 300_000;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** What a webhook says. */
export interface WebhookEvent {
  /** The delivery's id, the same at each attempt: to tell repeated ones by. */
  readonly id: string;
  /** The event's type in lower case with a dot: `"job.completed"`, `"queue.paused"`, or `"webhook.test"`. */
  readonly type: string;
  /** When it happened. */
  readonly timestamp: Date;
  /** The event, with the field names of `rockqueue.v1.Event` and values as proto3 JSON has them. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON, as `JSON.parse` gives it
  readonly data: Readonly<Record<string, any>>;
}

/** The headers of a request, as Node.js, Fetch and web frameworks have them. Upper and lower case are the same. */
export type WebhookHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Options of `verifyWebhook`. */
export interface VerifyOptions {
  /** How far the request's timestamp may be from now, either way, in milliseconds. @defaultValue 300000 (5 min) */
  tolerance?: Milliseconds;
  /** The time. @defaultValue now */
  now?: Date;
}

/**
 * The event of a request that a webhook sent.
 *
 * `body` is the body as it came: parsed and written anew it has another signature. `secrets` is the webhook's secret, or
 * several while it is being changed. Throws WebhookVerificationError for a request that cannot be trusted, and TypeError for a
 * body that was parsed already, or a secret that is none.
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { tolerance = TOLERANCE_MS, now = new Date() }: VerifyOptions = {},
): WebhookEvent {
  const keys = (Array.isArray(secrets) ? secrets : [secrets]).map(keyOf);
  const raw = bytesOf(body);
  const found = byName(headers);
  const id = header(found, "webhook-id");
  const timestamp = header(found, "webhook-timestamp");
  const signatures = header(found, "webhook-signature").split(" ");
  checkTime(timestamp, checkedMs(tolerance, "tolerance"), now.getTime());
  checkSignature(signatures, `${id}.${timestamp}.`, raw, keys);
  return eventOf(id, raw);
}

function keyOf(secret: unknown): Buffer {
  const text = typeof secret === "string" && secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "";
  if (text === "" || !BASE64.test(text)) {
    // Without the secret itself: errors end up in logs.
    throw new TypeError(`a webhook's secret is "${PREFIX}" and base64; this one is not`);
  }
  return Buffer.from(text, "base64");
}

function bytesOf(body: unknown): Uint8Array {
  if (typeof body === "string") {
    return Buffer.from(body);
  }
  if (body instanceof Uint8Array) {
    return body;
  }
  throw new TypeError(
    "verifyWebhook needs the body as it came, as a string or bytes: in Express use express.raw({ type: " +
      '"application/json" }), in Fastify a content type parser with parseAs: "buffer"',
  );
}

function byName(headers: WebhookHeaders): Map<string, string> {
  const entries =
    Symbol.iterator in headers ? [...(headers as Iterable<readonly [string, string]>)] : Object.entries(headers);
  const found = new Map<string, string>();
  for (const [name, value] of entries) {
    if (typeof value === "string") {
      found.set(name.toLowerCase(), value);
    } else if (Array.isArray(value) && value.length === 1) {
      found.set(name.toLowerCase(), String(value[0]));
    }
  }
  return found;
}

function header(headers: ReadonlyMap<string, string>, name: string): string {
  const value = headers.get(name);
  if (value) {
    return value;
  }
  throw new WebhookVerificationError(`the request has no ${name}`);
}

function checkTime(timestamp: string, toleranceMs: number, nowMs: number): void {
  if (!SECONDS.test(timestamp)) {
    throw new WebhookVerificationError("webhook-timestamp is not a number of seconds");
  }
  const ageMs = nowMs - Number(timestamp) * 1000;
  if (!(Math.abs(ageMs) <= toleranceMs)) {
    const where = ageMs > 0 ? "old" : "in the future";
    const seconds = Math.round(Math.abs(ageMs) / 1000);
    throw new WebhookVerificationError(`the request is ${seconds} s ${where}; ${toleranceMs / 1000} s are allowed`);
  }
}

function checkSignature(given: readonly string[], head: string, body: Uint8Array, keys: readonly Buffer[]): void {
  const known = keys.map((key) => {
    const signature = createHmac("sha256", key).update(head).update(body).digest("base64");
    return Buffer.from(`v1,${signature}`);
  });
  const matches = given.some((entry) => {
    const bytes = Buffer.from(entry);
    return known.some((one) => one.length === bytes.length && timingSafeEqual(one, bytes));
  });
  if (!matches) {
    throw new WebhookVerificationError("no signature of the request is that of a secret: changed, or another's");
  }
}

function eventOf(id: string, raw: Uint8Array): WebhookEvent {
  let body: unknown;
  try {
    body = JSON.parse(UTF8.decode(raw));
  } catch (cause) {
    throw new WebhookVerificationError("the request is signed, but its body is not JSON", { cause });
  }
  const { type, timestamp, data } = (body ?? {}) as Record<string, unknown>;
  const moment = typeof timestamp === "string" && MOMENT.test(timestamp) ? new Date(timestamp) : new Date(Number.NaN);
  if (typeof type !== "string" || Number.isNaN(moment.getTime()) || !isObject(data)) {
    throw new WebhookVerificationError("the request is signed, but its body is not an event");
  }
  return { id, type, timestamp: moment, data };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
