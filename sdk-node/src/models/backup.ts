// What the server knows of backups, as plain values.
import { fromTimestamp } from "../durations.js";
import type * as server from "../gen/rockqueue/v1/server_service.js";

/** A whole copy of a store, as of one moment. `rockqueue restore` makes a store of it again. */
export interface Backup {
  readonly name: string;
  /** Where it lies on the server's machine. */
  readonly path: string;
  /** The moment that it shows. */
  readonly createTime: Date;
  /** The number of the last commit in it. */
  readonly commit: number;
  readonly sizeBytes: number;
}

/** The message as a value. */
export function backupOf(message: server.Backup | undefined): Backup {
  const { name = "", path = "", createTime, commit = 0, sizeBytes = 0 } = message ?? {};
  return { name, path, createTime: fromTimestamp(createTime), commit, sizeBytes };
}
