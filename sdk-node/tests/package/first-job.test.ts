// The program that the repository's README begins with.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../examples/first-job.mjs", import.meta.url));

it("works its job, and again on the same files", () => {
  const folder = mkdtempSync(join(tmpdir(), "rockqueue-first-job-"));
  try {
    for (let time = 0; time < 2; time++) {
      const said = execFileSync(process.execPath, [PROGRAM], { cwd: folder, encoding: "utf8", timeout: 60_000 });
      expect(said).toBe("Hello, Ada! This is attempt 1.\nCOMPLETED\n");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
