// Waits of the tests: for a condition, with a deadline.

import { setTimeout } from "node:timers/promises";

/** Bounds every wait, in milliseconds. */
export const SOON = 60_000;

/** Waits for a condition. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SOON;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${SOON} ms`);
    }
    await setTimeout(3);
  }
}

/** Waits for a promise, with the same deadline. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const cancel = new AbortController();
  const late = setTimeout(SOON, undefined, { signal: cancel.signal }).then(() => {
    throw new Error(`${what}: not within ${SOON} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel.abort();
  }
}
