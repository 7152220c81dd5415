// Whole copies of the store: `client.backups`.
import type { Caller, CallOptions } from "./calls/caller.js";
import { serverMethods } from "./calls/methods.js";
import { type Backup, backupOf } from "./models/backup.js";

// A store of some gigabytes takes minutes, and the call is not repeated.
const CREATE_TIMEOUT_MS = 600_000;

/** Looks after backups. */
export class Backups {
  readonly #caller: () => Caller;

  /** @internal */
  constructor(caller: () => Caller) {
    this.#caller = caller;
  }

  /**
   * Writes a whole copy of the store, as of one moment, into the server's `--backup-dir`, while it works on; `name` is by
   * default the server's time. `timeoutMs` is 10 minutes unless given. Rejects with BackupExists, BackupsOff, StorageFull.
   */
  async create(name = "", { timeoutMs = CREATE_TIMEOUT_MS, signal }: CallOptions = {}): Promise<Backup> {
    return backupOf((await this.#caller().call(serverMethods.createBackup, { name }, { timeoutMs, signal })).backup);
  }

  /** The complete backups, newest first. Rejects with BackupsOff. */
  async list(options?: CallOptions): Promise<readonly Backup[]> {
    return (await this.#caller().call(serverMethods.listBackups, {}, options)).backups.map(backupOf);
  }
}
