// Which jobs of a batch an error is about, and how it reads to the caller of a single push. Without I/O.
import { type RockQueueError, UniqueConflict } from "../errors.js";

const INDEX = /^jobs\[(\d+)\]\.?/;

/** Which jobs of a batch an error is about; none when it is about the batch as such. */
export function refusedIndexes(error: RockQueueError, count: number): ReadonlySet<number> {
  const found = new Set<number>();
  if (error instanceof UniqueConflict) {
    found.add(Number(error.metadata.index ?? -1));
  } else if (error.code === "INVALID_ARGUMENT") {
    for (const path of [...error.violations.map((one) => one.field), error.metadata.field ?? ""]) {
      const match = INDEX.exec(path);
      if (match !== null) {
        found.add(Number(match[1]));
      }
    }
  }
  return new Set([...found].filter((index) => index >= 0 && index < count));
}

/** The error in the terms of one push: paths without the position in a batch that its caller knows nothing of. */
export function aboutOneJob(error: RockQueueError, index: number): RockQueueError {
  const prefix = `jobs[${index}]`;
  const violations = error.violations
    .filter(({ field }) => field === prefix || field.startsWith(`${prefix}.`))
    .map(({ field, description }) => ({ field: field.replace(INDEX, ""), description }));
  const { index: _, ...metadata } = error.metadata;
  const named = metadata.field ?? "";
  const [first] = violations;
  if (named !== "" && !named.startsWith(prefix) && first !== undefined) {
    metadata.field = first.field;
    return error.clone(`${first.field}: ${first.description}`, { metadata, violations });
  }
  if (named !== "") {
    metadata.field = named.replace(INDEX, "");
  }
  return error.clone(error.message.replace(`${prefix}.`, ""), { metadata, violations });
}
