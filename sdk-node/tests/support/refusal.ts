// Statuses in the contract's form, as a server sends them.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { Duration } from "../../src/gen/google/protobuf/duration.js";
import { EntryStatus } from "../../src/gen/rockqueue/v1/job_service.js";

/** A status to answer with; with a `reason` it carries the details that the contract asks for. */
export interface Refusal {
  readonly code: status;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number;
  readonly violations?: readonly { field: string; description: string }[];
}

export const UNAVAILABLE: Refusal = { code: status.UNAVAILABLE };

/** The status as gRPC sends it. */
export function asStatus(refusal: Refusal): StatusObject {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(details(refusal)));
  return { code: refusal.code, details: refusal.reason ?? "scripted", metadata };
}

/** The status as the entry of a batch has it. */
export function asEntryStatus({ code, reason = "", metadata, retryAfterMs, violations }: Refusal): EntryStatus {
  const retryDelay = retryAfterMs === undefined ? undefined : { seconds: 0, nanos: retryAfterMs * 1e6 };
  return EntryStatus.fromPartial({
    code,
    reason,
    message: reason || "scripted",
    metadata,
    violations: [...(violations ?? [])],
    retryDelay,
  });
}

function details({ code, reason, metadata, retryAfterMs, violations }: Refusal): Uint8Array {
  const status = new BinaryWriter().uint32(8).int32(code);
  const add = (type: string, value: BinaryWriter): void => {
    const any = new BinaryWriter().uint32(10).string(`type.googleapis.com/google.rpc.${type}`);
    status.uint32(26).bytes(any.uint32(18).bytes(value.finish()).finish());
  };
  if (reason !== undefined) {
    const info = new BinaryWriter().uint32(10).string(reason).uint32(18).string("rockqueue");
    for (const [key, value] of Object.entries(metadata ?? {})) {
      info.uint32(26).bytes(new BinaryWriter().uint32(10).string(key).uint32(18).string(value).finish());
    }
    add("ErrorInfo", info);
  }
  if (retryAfterMs !== undefined) {
    const delay = Duration.encode({ seconds: 0, nanos: retryAfterMs * 1e6 }).finish();
    add("RetryInfo", new BinaryWriter().uint32(10).bytes(delay));
  }
  if (violations !== undefined) {
    const bad = new BinaryWriter();
    for (const { field, description } of violations) {
      bad.uint32(10).bytes(new BinaryWriter().uint32(10).string(field).uint32(18).string(description).finish());
    }
    add("BadRequest", bad);
  }
  return status.finish();
}
