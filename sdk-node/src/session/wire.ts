// Reads just enough of the messages of a `Work` stream to keep its books: jobs pass through a session as bytes.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

const LENGTH_DELIMITED = 2;
// WorkResponse.deliveries, WorkRequest.settlements, Deliveries.deliveries and Settlements.settlements, with their wire type.
const RESPONSE_DELIVERIES = (2 << 3) | LENGTH_DELIMITED;
const REQUEST_SETTLEMENTS = (3 << 3) | LENGTH_DELIMITED;
const DELIVERY = (1 << 3) | LENGTH_DELIMITED;
const DELIVERY_TOKEN = 2;
const SETTLEMENTS_SEQUENCE = 1 << 3;
const SETTLEMENTS_ENTRY = (2 << 3) | LENGTH_DELIMITED;
const SETTLEMENTS_CREDITS = 3 << 3;
const SETTLEMENT_TOKEN = (1 << 3) | LENGTH_DELIMITED;

/** A lease token as a key: one character for each byte. */
export function tokenKey(token: Uint8Array): string {
  return Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString("latin1");
}

/** The lease token of a key. */
export function keyToken(key: string): Uint8Array {
  return Buffer.from(key, "latin1");
}

/** The bytes of `Deliveries` in a `WorkResponse` that holds nothing else; undefined for other messages. */
export function deliveriesOf(response: Uint8Array): Uint8Array | undefined {
  if (response[0] !== RESPONSE_DELIVERIES) {
    return undefined;
  }
  const reader = new BinaryReader(response);
  reader.uint32();
  const body = reader.bytes();
  return reader.pos === reader.len ? body : undefined;
}

/** The keys of the leases in `Deliveries`. */
export function deliveryKeys(deliveries: Uint8Array): string[] {
  const keys: string[] = [];
  const reader = new BinaryReader(deliveries);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag !== DELIVERY) {
      reader.skip(tag & 7, tag >>> 3);
      continue;
    }
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) {
      const [field, wireType] = reader.tag();
      if (field === DELIVERY_TOKEN && wireType === LENGTH_DELIMITED) {
        keys.push(tokenKey(reader.bytes()));
      } else {
        reader.skip(wireType, field);
      }
    }
  }
  return keys;
}

/** The keys of the leases in a batch that `SettlementBatch` made. */
export function settlementKeys(entries: Uint8Array): string[] {
  const keys: string[] = [];
  const reader = new BinaryReader(entries);
  while (reader.pos < reader.len) {
    reader.uint32();
    const end = reader.uint32() + reader.pos;
    // The token is the first field of an entry, because the encoder writes fields in order.
    keys.push(reader.uint32() === SETTLEMENT_TOKEN ? tokenKey(reader.bytes()) : "");
    reader.pos = end;
  }
  return keys;
}

/** Tag of an entry in a batch: what precedes each encoded settlement. */
export const SETTLEMENT_TAG = SETTLEMENTS_ENTRY;

/** A `WorkRequest` with a batch of settlements. */
export function settlementsRequest(entries: readonly Uint8Array[], sequence: number, credits: number): Uint8Array {
  const rest = new BinaryWriter().uint32(SETTLEMENTS_SEQUENCE).int64(sequence);
  if (credits > 0) {
    rest.uint32(SETTLEMENTS_CREDITS).int32(credits);
  }
  const end = rest.finish();
  let size = end.length;
  for (const part of entries) {
    size += part.length;
  }
  const head = new BinaryWriter().uint32(REQUEST_SETTLEMENTS).uint32(size).finish();
  return Buffer.concat([head, ...entries, end]);
}
