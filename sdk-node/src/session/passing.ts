// Errors between threads: as data, and back as the class that users catch.
import { makeError } from "../calls/status.js";
import { RockQueueError } from "../errors.js";
import type { ErrorData } from "./parts.js";

/** The error as data that can be posted. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof RockQueueError) {
    const { message, code, reason, metadata, fromServer, violations } = error;
    return { message, code, reason, metadata, fromServer, violations };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message, code: "INTERNAL", reason: "", metadata: {}, fromServer: false, violations: [] };
}

/** The error of some data. */
export function errorOf({ message, code, ...details }: ErrorData): RockQueueError {
  return makeError(code, message, details);
}
