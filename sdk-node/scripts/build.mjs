// Builds dist/: ES modules and declarations by tsc, then the same files as CommonJS by esbuild, one to one.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const esm = join(here, "dist", "esm");
const cjs = join(here, "dist", "cjs");
// What a CommonJS module has in the place of import.meta.url.
const OWN_URL = "__ownUrl";
const OWN_URL_BANNER = `const ${OWN_URL} = require("node:url").pathToFileURL(__filename).href;`;

function filesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function toCommonJs(file) {
  const target = join(cjs, relative(esm, file));
  mkdirSync(dirname(target), { recursive: true });
  if (!file.endsWith(".js")) {
    copyFileSync(file, target);
    return;
  }
  const code = readFileSync(file, "utf8");
  const banner = code.includes("import.meta.url") ? OWN_URL_BANNER : "";
  const options = { format: "cjs", platform: "node", target: "node20", define: { "import.meta.url": OWN_URL }, banner };
  writeFileSync(target, transformSync(code, options).code);
}

rmSync(join(here, "dist"), { recursive: true, force: true });
execFileSync(join(here, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json"], { cwd: here, stdio: "inherit" });
for (const file of filesUnder(esm)) {
  toCommonJs(file);
}
writeFileSync(join(cjs, "package.json"), '{ "type": "commonjs" }\n');
writeFileSync(join(esm, "package.json"), '{ "type": "module" }\n');
