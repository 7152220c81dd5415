// The tables of vectors that every SDK runs.
import { readFileSync } from "node:fs";
import { retryPause } from "rockqueue";
import { afterEach, describe, expect, it } from "vitest";
import { backoff } from "../../src/calls/retry.js";
import { parseUrl, resolveUrl } from "../../src/url.js";

interface UrlVectors {
  default_url: string;
  environment_variable: string;
  cases: { url: string; kind?: string; address?: string; error?: boolean }[];
}

interface BackoffVectors {
  vectors: {
    name: string;
    kind: string;
    base: string;
    max_delay: string;
    jitter: number;
    failures: number;
    lowest: string;
    highest: string;
  }[];
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")) as T;
}

describe("URLs", () => {
  const vectors = read<UrlVectors>("sdk-python/tests/vectors/urls.json");
  const before = process.env.ROCKQUEUE_URL;
  afterEach(() => {
    process.env.ROCKQUEUE_URL = before ?? "";
  });

  it.each(vectors.cases)("$url", ({ url, kind, address, error }) => {
    if (error) {
      expect(() => parseUrl(url)).toThrow(TypeError);
    } else {
      expect(parseUrl(url)).toEqual({ kind, address });
    }
  });

  it("come from the argument, then the environment, then the default", () => {
    delete process.env[vectors.environment_variable];
    expect(resolveUrl(undefined)).toBe(vectors.default_url);
    process.env[vectors.environment_variable] = "rockqueue://elsewhere";
    expect(resolveUrl(undefined)).toBe("rockqueue://elsewhere");
    expect(resolveUrl("unix:///run/q.sock")).toBe("unix:///run/q.sock");
  });
});

describe("the pause before a retry", () => {
  const seconds = (text: string): number => Number(text.slice(0, -1)) * 1000;

  it.each(read<BackoffVectors>("conformance-tests/vectors/backoff.json").vectors)("$name", (vector) => {
    const kind = vector.kind.replace("BACKOFF_KIND_", "").toLowerCase() as "fixed" | "linear" | "exponential";
    const policy = { kind, base: seconds(vector.base), maxDelay: seconds(vector.max_delay), jitter: vector.jitter };
    const { shortest, longest } = retryPause(policy, vector.failures);
    expect(shortest).toBeCloseTo(seconds(vector.lowest), 2);
    expect(longest).toBeCloseTo(seconds(vector.highest), 2);
  });
});

describe("the pause before a call is repeated", () => {
  interface CallBackoff {
    cases: { failures: number; initial: number; longest: number; factor: number; seconds: number }[];
  }

  it.each(read<CallBackoff>("sdk-python/tests/vectors/backoff.json").cases)(
    "after $failures failures, from $initial s to $longest s, times $factor",
    ({ failures, initial, longest, factor, seconds }) => {
      expect(backoff(failures, initial, longest, factor)).toBeCloseTo(seconds, 9);
    },
  );
});
