// What handlers say, on its way to the session: outcomes once a turn of the event loop, reports at most ten times a second.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type JobReport, JobReports, Settlement } from "../gen/rockqueue/v1/work_service.js";
import type { SessionLink } from "../session/parts.js";
import { mergeReport } from "../session/reports.js";
import { SETTLEMENT_TAG, tokenKey } from "../session/wire.js";

const BATCH_ENTRIES = 500;
const BATCH_BYTES = 2 * 1024 * 1024;
const REPORT_PAUSE_MS = 100;

/** Gathers outcomes and reports. What ends together is settled together. */
export class Posting {
  readonly #link: SessionLink;
  #writer = new BinaryWriter();
  #entries = 0;
  #bytes = 0;
  #dropped: Uint8Array[] = [];
  #scheduled = false;
  #reports = new Map<string, JobReport>();
  #lastReports = 0;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(link: SessionLink) {
    this.#link = link;
  }

  /** An outcome; `payloadBytes` is about how large it is beside its lease. */
  settle(settlement: Settlement, payloadBytes: number): void {
    Settlement.encode(settlement, this.#writer.uint32(SETTLEMENT_TAG).fork()).join();
    this.#entries += 1;
    this.#bytes += payloadBytes;
    if (this.#entries >= BATCH_ENTRIES || this.#bytes >= BATCH_BYTES) {
      this.flush();
    } else {
      this.#schedule();
    }
  }

  /** A delivery whose lease is lost needs no outcome. */
  drop(token: Uint8Array): void {
    this.#dropped.push(token);
    this.#schedule();
  }

  /** Progress and log lines; what a job reports within a tenth of a second is put together. */
  report(report: JobReport): void {
    const key = tokenKey(report.leaseToken);
    const known = this.#reports.get(key);
    if (known === undefined) {
      this.#reports.set(key, report);
    } else {
      mergeReport(known, report);
    }
    // By the clock, not by a timer alone: a handler that blocks the loop reports too.
    if (performance.now() - this.#lastReports >= REPORT_PAUSE_MS) {
      this.#flushReports();
    } else {
      this.#reportTimer ??= setTimeout(() => this.#flushReports(), REPORT_PAUSE_MS);
    }
  }

  /** Hands everything over now. */
  flush(): void {
    this.#flushReports();
    if (this.#entries > 0) {
      const entries = this.#writer.finish();
      this.#writer = new BinaryWriter();
      this.#entries = 0;
      this.#bytes = 0;
      this.#link.settle(entries);
    }
    if (this.#dropped.length > 0) {
      this.#link.dropped(this.#dropped.splice(0));
    }
  }

  /** No timer is left behind. */
  close(): void {
    clearTimeout(this.#reportTimer);
  }

  #schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  #flushReports(): void {
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
    if (this.#reports.size > 0) {
      this.#lastReports = performance.now();
      const reports = [...this.#reports.values()];
      this.#reports.clear();
      this.#link.report(JobReports.encode({ reports }).finish());
    }
  }
}
