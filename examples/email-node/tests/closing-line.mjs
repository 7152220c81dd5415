// Ends a run with the line that the repository's sum reads: `N passed, N failed`. Plain JavaScript: reporters are loaded
// before tsx is.
export default async function* closingLine(events) {
  let passed = 0;
  let failed = 0;
  for await (const { type } of events) {
    passed += type === "test:pass" ? 1 : 0;
    // A file that does not load is a failure too.
    failed += type === "test:fail" ? 1 : 0;
  }
  yield `${passed} passed, ${failed} failed\n`;
}
