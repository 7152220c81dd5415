import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const dist = (file: string): string => fileURLToPath(new URL(`dist/esm/${file}`, import.meta.url));

// The tests use what is published: dist/, as `make build` left it.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^rockqueue$/, replacement: dist("index.js") },
      { find: /^rockqueue\/testing$/, replacement: dist("testing/index.js") },
      { find: /^rockqueue\/express$/, replacement: dist("frameworks/express.js") },
      { find: /^rockqueue\/fastify$/, replacement: dist("frameworks/fastify.js") },
      { find: /^rockqueue\/webhooks$/, replacement: dist("webhooks/verify.js") },
      { find: /^rockqueue\/opentelemetry$/, replacement: dist("tracing/opentelemetry.js") },
    ],
  },
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/support/server-command.ts",
    reporters: ["default", "./tests/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
