// How payloads and results become bytes: the codec interface, and JSON, its default.
import { PayloadError } from "./errors.js";

export const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** Bytes and their media type. */
export interface EncodedPayload {
  readonly data: Uint8Array;
  readonly contentType: string;
}

/**
 * Turns values into bytes with a media type, and back. It throws `PayloadError` for what it cannot do; an error of
 * another kind is taken as one.
 */
export interface PayloadCodec {
  /** The value as bytes, and their media type. */
  encode(value: unknown): EncodedPayload;
  /** The value that the bytes of this media type stand for; an empty media type means unstated. */
  decode(data: Uint8Array, contentType: string): unknown;
}

/**
 * JSON in UTF-8; a `Uint8Array` passes as it is. What JSON has no words for (a bigint, a circle, NaN) is an error: say how
 * it should look by passing a string or an object.
 */
export const JSON_CODEC: PayloadCodec = {
  encode(value: unknown): EncodedPayload {
    if (value instanceof Uint8Array) {
      return { data: value, contentType: BYTES_TYPE };
    }
    return { data: Buffer.from(toJson(value)), contentType: JSON_TYPE };
  },

  decode(data: Uint8Array, contentType: string): unknown {
    if (contentType === JSON_TYPE) {
      return fromJson(data);
    }
    const essence = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
    if (essence === "" || essence === JSON_TYPE || essence.endsWith("+json")) {
      return fromJson(data);
    }
    // A copy: the bytes are a part of the message that brought them, which would stay as long as they do.
    return essence === "text/plain" ? decodeUtf8(data) : new Uint8Array(data);
  },
};

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value ?? null);
    if (text?.includes("null")) {
      // Perhaps a NaN, which JSON.stringify writes as null without a word. A second look, only where there is a null.
      JSON.stringify(value, refuseWhatJsonLoses);
    }
  } catch (cause) {
    throw asPayloadError("this payload cannot be written as JSON", cause);
  }
  if (text === undefined) {
    throw new PayloadError(`this payload cannot be written as JSON: it is a ${typeof value}`);
  }
  return text;
}

function refuseWhatJsonLoses(key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${key === "" ? "it" : `"${key}"`} is ${value}, which JSON cannot hold`);
  }
  return value;
}

function fromJson(data: Uint8Array): unknown {
  if (data.length === 0) {
    return null;
  }
  try {
    return JSON.parse(UTF8.decode(data));
  } catch (cause) {
    throw asPayloadError("this payload is not JSON", cause);
  }
}

function decodeUtf8(data: Uint8Array): string {
  try {
    return UTF8.decode(data);
  } catch (cause) {
    throw asPayloadError("this payload is not UTF-8", cause);
  }
}

/** The error as a PayloadError, with itself as the cause; one that is a PayloadError stays as it is. */
export function asPayloadError(what: string, cause: unknown): PayloadError {
  if (cause instanceof PayloadError) {
    return cause;
  }
  return new PayloadError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
