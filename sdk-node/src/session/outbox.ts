// What a worker still has to say: settlements until they are answered, and reports put together by job. Without I/O.
import { EntryStatus } from "../gen/rockqueue/v1/job_service.js";
import {
  JobReport,
  type JobReports,
  type Settlement,
  type SettlementResults,
  Settlements,
} from "../gen/rockqueue/v1/work_service.js";
import { mergeReport } from "./reports.js";
import { settlementKeys, settlementsRequest, tokenKey } from "./wire.js";

const BATCH_ENTRIES = 1_000;
const BATCH_BYTES = 4 * 1024 * 1024;
// Around each report of a message: field number and length.
const ENTRY_OVERHEAD_BYTES = 8;

/** Encoded settlements that came together, and their leases. */
interface Batch {
  readonly entries: Uint8Array;
  readonly leases: readonly string[];
}

/** A settlement that the server did not carry out, and why. */
export interface Refused {
  readonly settlement: Settlement;
  readonly status: EntryStatus;
}

/** Settlements are kept over streams and sent again until the server has answered them; reports are sent once. */
export class Outbox {
  #waiting: Batch[] = [];
  #unanswered = new Map<number, readonly Batch[]>();
  #reports = new Map<string, JobReport>();
  #sequence = 0;

  /** Outcomes to send: `entries` as `SettlementBatch` encodes them. Returns their leases. */
  add(entries: Uint8Array): readonly string[] {
    const leases = settlementKeys(entries);
    this.#waiting.push({ entries, leases });
    return leases;
  }

  /** Progress and log lines to send; what a job reports until then is put together. */
  report(report: JobReport): void {
    const lease = tokenKey(report.leaseToken);
    const known = this.#reports.get(lease);
    if (known === undefined) {
      this.#reports.set(lease, report);
    } else {
      mergeReport(known, report);
    }
  }

  /** True when every settlement has its answer. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#unanswered.size === 0;
  }

  get hasSettlements(): boolean {
    return this.#waiting.length > 0;
  }

  get hasReports(): boolean {
    return this.#reports.size > 0;
  }

  /** How many settlements have no answer. */
  get open(): number {
    return this.#batches().reduce((sum, batch) => sum + batch.leases.length, 0);
  }

  /** The leases of all settlements without an answer. */
  get leases(): string[] {
    return this.#batches().flatMap((batch) => batch.leases);
  }

  /** What was not answered on the old stream is sent again on the next, first and in order. */
  streamEnded(): void {
    this.#waiting = this.#batches();
    this.#unanswered.clear();
  }

  /** Forgets outcomes that wait and whose leases are lost; returns those leases. */
  drop(lost: ReadonlySet<string>): string[] {
    const dropped: string[] = [];
    const kept: Batch[] = [];
    for (const batch of this.#waiting) {
      const gone = batch.leases.filter((lease) => lost.has(lease));
      dropped.push(...gone);
      if (gone.length === 0) {
        kept.push(batch);
      } else if (gone.length < batch.leases.length) {
        kept.push(without(batch, lost));
      }
    }
    this.#waiting = kept;
    return dropped;
  }

  /** All reports, in messages within the limits. */
  takeReports(): JobReport[][] {
    const messages: JobReport[][] = [];
    let bytes = 0;
    for (const report of this.#reports.values()) {
      const weight = JobReport.encode(report).finish().length + ENTRY_OVERHEAD_BYTES;
      const last = messages.at(-1);
      if (last === undefined || last.length >= BATCH_ENTRIES || bytes + weight > BATCH_BYTES) {
        messages.push([report]);
        bytes = weight;
      } else {
        last.push(report);
        bytes += weight;
      }
    }
    this.#reports.clear();
    return messages;
  }

  /**
   * The next batch of settlements within the limits as a `WorkRequest`. `grant` is told which leases it settles, and returns
   * the credits to grant along with it.
   */
  takeBatch(grant: (settled: readonly string[]) => number): Uint8Array {
    let count = 0;
    let entries = 0;
    let bytes = 0;
    for (const batch of this.#waiting) {
      entries += batch.leases.length;
      bytes += batch.entries.length;
      if (count > 0 && (entries > BATCH_ENTRIES || bytes > BATCH_BYTES)) {
        break;
      }
      count += 1;
    }
    const taken = this.#waiting.splice(0, count);
    this.#sequence += 1;
    this.#unanswered.set(this.#sequence, taken);
    const credits = grant(taken.flatMap((batch) => batch.leases));
    return settlementsRequest(
      taken.map((batch) => batch.entries),
      this.#sequence,
      credits,
    );
  }

  /** Takes the answer to a batch; returns what was not carried out. */
  answered(results: SettlementResults): Refused[] {
    const taken = this.#unanswered.get(results.sequence);
    this.#unanswered.delete(results.sequence);
    if (taken === undefined || results.failures.length === 0) {
      return [];
    }
    const settlements = taken.flatMap((batch) => decode(batch));
    return results.failures.flatMap(({ index, status }) => {
      const settlement = settlements[index];
      return settlement === undefined ? [] : [{ settlement, status: status ?? EntryStatus.fromPartial({}) }];
    });
  }

  #batches(): Batch[] {
    return [...[...this.#unanswered.values()].flat(), ...this.#waiting];
  }
}

/** The message that carries reports. */
export function reportsOf(reports: JobReport[]): { $case: "reports"; value: JobReports } {
  return { $case: "reports", value: { reports } };
}

function decode(batch: Batch): Settlement[] {
  return Settlements.decode(batch.entries).settlements;
}

function without(batch: Batch, lost: ReadonlySet<string>): Batch {
  const kept = decode(batch).filter((settlement) => !lost.has(tokenKey(settlement.leaseToken)));
  return encodeBatch(kept);
}

function encodeBatch(settlements: Settlement[]): Batch {
  const entries = Settlements.encode({ sequence: 0, settlements, credits: 0 }).finish();
  return { entries, leases: settlements.map((settlement) => tokenKey(settlement.leaseToken)) };
}
