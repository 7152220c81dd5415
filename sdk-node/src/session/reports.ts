// Progress and log lines of a job, put together so that a chatty handler costs no more than a quiet one.
import type { JobReport } from "../gen/rockqueue/v1/work_service.js";

// The server keeps no more than this of a job's log either.
const LOG_LINES = 1_000;
const LOG_CHARACTERS = 64 * 1024;

/** Adds what a job reports to what it reported before. */
export function mergeReport(known: JobReport, report: JobReport): void {
  known.percent = report.percent ?? known.percent;
  known.message = report.message ?? known.message;
  if (report.logLines.length > 0) {
    known.logLines.push(...report.logLines);
    keepLast(known.logLines);
  }
}

function keepLast(lines: string[]): void {
  let characters = 0;
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    characters += (lines[index] as string).length;
    if (characters > LOG_CHARACTERS || lines.length - index > LOG_LINES) {
      lines.splice(0, index + 1);
      return;
    }
  }
}
