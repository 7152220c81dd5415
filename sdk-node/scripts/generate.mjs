// Writes the TypeScript of the contract into src/gen, or, with --check, fails when what is committed is not fresh.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const buf = join(here, "..", ".venv", "bin", "buf");

function generate(into) {
  const paths = ["v1", "testing"].flatMap((folder) => ["--path", `../proto/rockqueue/${folder}`]);
  const template = ["--template", "buf.gen.yaml", "--include-imports"];
  execFileSync(buf, ["generate", "..", ...template, ...paths, "--output", into], { cwd: here, stdio: "inherit" });
}

function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [relative(folder, path), readFileSync(path, "utf8")];
    }),
  );
}

function differences(committed, fresh) {
  const missing = [...fresh.keys()].filter((name) => !committed.has(name)).map((name) => `missing: ${name}`);
  const left = [...committed.keys()].filter((name) => !fresh.has(name)).map((name) => `left over: ${name}`);
  const stale = [...fresh].filter(([name, text]) => committed.has(name) && committed.get(name) !== text);
  return [...missing, ...left, ...stale.map(([name]) => `stale: ${name}`)];
}

if (process.argv.includes("--check")) {
  const folder = mkdtempSync(join(tmpdir(), "rockqueue-generate-"));
  try {
    generate(folder);
    const problems = differences(filesOf(join(here, "src", "gen")), filesOf(join(folder, "src", "gen")));
    if (problems.length > 0) {
      console.log(
        [...problems, "the generated code is not fresh: run 'make generate' and commit the result"].join("\n"),
      );
      process.exitCode = 1;
    } else {
      console.log("generate: the committed code is fresh");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  rmSync(join(here, "src", "gen"), { recursive: true, force: true });
  generate(here);
  console.log(`generate: ${filesOf(join(here, "src", "gen")).size} files in src/gen`);
}
