// What a receiver makes of a request: the vectors that every SDK runs, and the other implementation of Standard Webhooks.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { RockQueueError } from "rockqueue";
import { verifyWebhook, WebhookVerificationError } from "rockqueue/webhooks";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";

interface Vector {
  name: string;
  secrets: string[];
  now_s: number;
  tolerance_s: number;
  headers: Record<string, string>;
  body: string;
  event: { type: string; timestamp: string; data: object } | null;
}

const file = new URL("../../../conformance-tests/vectors/webhooks.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] };

describe("a request, by the vectors", () => {
  it.each(vectors)("$name", ({ secrets, now_s, tolerance_s, headers, body, event }) => {
    const options = { tolerance: tolerance_s * 1000, now: new Date(now_s * 1000) };
    const verify = (): unknown => verifyWebhook(body, headers, secrets, options);
    if (event === null) {
      expect(verify).toThrow(WebhookVerificationError);
      return;
    }
    const id = headers["webhook-id"] ?? headers["Webhook-Id"];
    const { type, timestamp, data } = event;
    expect(verify()).toEqual({ id, type, timestamp: new Date(timestamp), data });
    expect(verifyWebhook(Buffer.from(body), headers, secrets, options)).toEqual(verify());
  });
});

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = JSON.stringify({ type: "job.completed", timestamp: "2026-11-22T00:00:00Z", data: { job_id: "ü" } });

function signed(body = BODY, at = new Date()): Record<string, string> {
  const seconds = Math.floor(at.getTime() / 1000);
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`msg_1.${seconds}.${body}`).digest("base64");
  return { "webhook-id": "msg_1", "webhook-timestamp": String(seconds), "webhook-signature": `v1,${signature}` };
}

describe("another implementation of Standard Webhooks", () => {
  const other = new Webhook(SECRET);

  it("signs what is taken here", () => {
    const at = new Date();
    const headers = {
      "webhook-id": "msg_7",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": other.sign("msg_7", at, BODY),
    };
    expect(verifyWebhook(BODY, headers, SECRET)).toMatchObject({ id: "msg_7", data: { job_id: "ü" } });
  });

  it("takes and refuses what is taken and refused here", () => {
    const old = new Date(Date.now() - 301_000);
    expect(other.verify(BODY, signed())).toMatchObject({ type: "job.completed" });
    expect(verifyWebhook(BODY, signed(), SECRET).type).toBe("job.completed");
    const refused: [string, Record<string, string>][] = [
      [`${BODY} `, signed()],
      [BODY, signed(BODY, old)],
      [BODY, { ...signed(), "webhook-id": "msg_2" }],
    ];
    for (const [body, headers] of refused) {
      expect(() => other.verify(body, headers)).toThrow();
      expect(() => verifyWebhook(body, headers, SECRET)).toThrow(WebhookVerificationError);
    }
  });
});

describe("the headers of a request", () => {
  it.each([
    ["Node.js", signed()],
    ["Fetch", new Headers(signed())],
    ["a list", Object.entries(signed())],
    ["a map", new Map(Object.entries(signed()))],
    ["lists of values", Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name, [value]]))],
  ])("are taken as those of %s", (_, headers) => {
    expect(verifyWebhook(BODY, headers, SECRET).type).toBe("job.completed");
  });

  it("are refused when one is there twice", () => {
    const headers = { ...signed(), "webhook-id": ["msg_1", "msg_2"] };
    expect(() => verifyWebhook(BODY, headers, SECRET)).toThrow("no webhook-id");
  });
});

describe("what is wrong in the program itself", () => {
  it.each([
    ["a body that was parsed", JSON.parse(BODY), SECRET, "express.raw"],
    ["no body", undefined, SECRET, "as it came"],
    ["a secret that is not set", BODY, undefined, "whsec_"],
    ["a secret without its prefix", BODY, SECRET.slice("whsec_".length), "whsec_"],
    ["a secret that is not base64", BODY, "whsec_?", "whsec_"],
  ])("is a TypeError: %s", (_, body, secret, says) => {
    const verify = (): unknown => verifyWebhook(body as string, signed(), secret as string);
    expect(verify).toThrow(TypeError);
    expect(verify).toThrow(says);
  });

  it("does not show a secret", () => {
    expect(() => verifyWebhook(BODY, signed(), "whsec_not/quite/base64=")).not.toThrow("quite");
  });
});

it("a refusal is an error of the package, with a code of its own", () => {
  const error = new WebhookVerificationError("no");
  expect(error).toBeInstanceOf(RockQueueError);
  expect([error.name, error.code, error.fromServer]).toEqual(["WebhookVerificationError", "UNAUTHENTICATED", false]);
});
