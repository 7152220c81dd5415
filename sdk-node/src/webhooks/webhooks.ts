// Events as HTTP requests: `client.webhooks`. What receives them is in `verify.ts`.
import { type Caller, type CallOptions, newRequestId } from "../calls/caller.js";
import { webhookMethods } from "../calls/methods.js";
import { everyPage } from "../calls/pages.js";
import { type Milliseconds, toDuration } from "../durations.js";
import { type EventFilter, toEventFilter } from "../filters.js";
import { deliveryStateNumber, type WebhookDeliveryState } from "../models/names.js";
import {
  attemptOf,
  deliveryOf,
  type Webhook,
  type WebhookAttempt,
  type WebhookDelivery,
  webhookOf,
} from "../models/webhook.js";

const PAGE = 100;

/** A webhook to put: where to, and which events; without a filter all of them. */
export interface NewWebhook extends EventFilter {
  /** Where to: `https://` or `http://`, without user and password. */
  url: string;
  /** "whsec_" and the base64 of 24 to 64 bytes. @defaultValue made by the server for a new webhook, else the one there is */
  secret?: string;
  /** True: nothing is sent, and what comes meanwhile waits. @defaultValue false */
  disabled?: boolean;
}

/** A webhook that was put. */
export interface PutWebhook extends Webhook {
  /** True when there was none of this name. */
  readonly created: boolean;
  /** The secret that the server made: it is not shown again. Undefined when it made none. */
  readonly secret: string | undefined;
}

/** A webhook with its new secret. */
export interface RotatedWebhook extends Webhook {
  /** The secret that holds from now on: it is not shown again. */
  readonly secret: string;
}

/** Looks after webhooks. */
export class Webhooks {
  readonly #caller: () => Caller;

  /** @internal */
  constructor(caller: () => Caller) {
    this.#caller = caller;
  }

  /**
   * Makes a webhook, or replaces the one of this name, which keeps its secret, its place in the events and its deliveries.
   *
   * @example
   * const { secret } = await client.webhooks.put("billing", { url: "https://example.com/hooks", types: ["JOB_DEAD"] });
   */
  async put(
    name: string,
    { url, secret = "", disabled = false, ...wanted }: NewWebhook,
    options?: CallOptions,
  ): Promise<PutWebhook> {
    const filter = toEventFilter(wanted);
    const all = Object.values(filter).every((list) => list.length === 0);
    const webhook = { name, url, filter: all ? undefined : filter, disabled };
    const request = { requestId: newRequestId(), webhook, secret };
    const answer = await this.#caller().call(webhookMethods.putWebhook, request, options);
    return { ...webhookOf(answer.webhook), created: answer.created, secret: answer.secret || undefined };
  }

  /** One webhook, without its secret. Rejects with WebhookNotFound. */
  async get(name: string, options?: CallOptions): Promise<Webhook> {
    return webhookOf((await this.#caller().call(webhookMethods.getWebhook, { name }, options)).webhook);
  }

  /** All webhooks, by name, fetched a page at a time. */
  list(options: CallOptions = {}): AsyncGenerator<Webhook, void, void> {
    const request = { pageSize: PAGE };
    return everyPage(this.#caller, webhookMethods.listWebhooks, request, options, (page) =>
      page.webhooks.map(webhookOf),
    );
  }

  /** Removes a webhook, its secret and its deliveries. Rejects with WebhookNotFound. */
  async delete(name: string, options?: CallOptions): Promise<void> {
    const request = { requestId: newRequestId(), name };
    await this.#caller().call(webhookMethods.deleteWebhook, request, options);
  }

  /**
   * Gives a webhook a new secret: `secret`, or one that the server makes. For `overlap` milliseconds (default: 24 h) requests are
   * signed with the former one too. Rejects with WebhookNotFound.
   */
  async rotateSecret(
    name: string,
    { secret = "", overlap, ...options }: { secret?: string; overlap?: Milliseconds } & CallOptions = {},
  ): Promise<RotatedWebhook> {
    const request = {
      requestId: newRequestId(),
      name,
      secret,
      overlap: overlap === undefined ? undefined : toDuration(overlap, "overlap"),
    };
    const answer = await this.#caller().call(webhookMethods.rotateWebhookSecret, request, options);
    return { ...webhookOf(answer.webhook), secret: answer.secret };
  }

  /**
   * Sends one request of type "webhook.test" now, also when the webhook is disabled, and resolves to what came of it: an
   * empty `error` is success. Rejects with WebhookNotFound.
   */
  async test(name: string, options?: CallOptions): Promise<WebhookAttempt> {
    return attemptOf((await this.#caller().call(webhookMethods.testWebhook, { name }, options)).attempt);
  }

  /**
   * The deliveries of a webhook, newest first, fetched a page at a time: those that wait, and the last 1,000 that are over.
   * Throws WebhookNotFound.
   */
  deliveries(
    name: string,
    { state, ...options }: { state?: WebhookDeliveryState } & CallOptions = {},
  ): AsyncGenerator<WebhookDelivery, void, void> {
    const request = { name, pageSize: PAGE, state: state === undefined ? 0 : deliveryStateNumber(state) };
    return everyPage(this.#caller, webhookMethods.listWebhookDeliveries, request, options, (page) =>
      page.deliveries.map(deliveryOf),
    );
  }

  /** Sends a delivery of the log again, now, with its id. Rejects with WebhookNotFound, WebhookDeliveryNotFound. */
  async resend(name: string, deliveryId: string, options?: CallOptions): Promise<WebhookDelivery> {
    const request = { requestId: newRequestId(), name, deliveryId };
    const { delivery } = await this.#caller().call(webhookMethods.resendWebhookDelivery, request, options);
    return deliveryOf(delivery as NonNullable<typeof delivery>);
  }
}
