// How long a driver waits between streams.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/thread/backoff.js";

const PERIOD = 10_000;

/** The next waits after streams that stood so long, none without a Welcome. */
function waits(wait: Backoff, count: number, stood?: number): number[] {
  return Array.from({ length: count }, () => wait.after(stood, PERIOD));
}

test("waits grow from 100 ms to 10 s, by chance", () => {
  const limits = [100, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
  for (let tries = 0; tries < 100; tries += 1) {
    waits(new Backoff(), limits.length).forEach((wait, at) => {
      assert.ok(wait >= limits[at]! && wait <= 2 * limits[at]!, `wait ${at} is ${wait}`);
    });
  }
  assert.notDeepEqual(waits(new Backoff(), 5), waits(new Backoff(), 5));
});

test("only a stream that stood for a period begins the waits anew", () => {
  const wait = new Backoff();
  waits(wait, 8);
  assert.ok(wait.after(undefined, PERIOD) >= 5_000, "no server answered");
  assert.ok(wait.after(PERIOD - 1, PERIOD) >= 5_000, "it ended at once");
  assert.ok(wait.after(PERIOD, PERIOD) <= 200);
});
