// A thread that logs numbered lines, and waits where there is no room.

import { parentPort, workerData } from "node:worker_threads";
import { encodeHead, encodeLine } from "../src/record.js";
import { RingWriter } from "../src/ring.js";

/** What line `number` reads. */
export function text(number: number): string {
  return `line ${number} ${"x".repeat(number % 300)}`;
}

if (workerData?.ring !== undefined) {
  const writer = new RingWriter(workerData.ring, () => parentPort!.postMessage("wake"));
  const head = encodeHead("stdout", {});
  for (let number = 0; number < workerData.count; number += 1) {
    writer.put(encodeLine(head, text(number)));
  }
}
