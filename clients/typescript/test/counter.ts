// A driver that logs as many numbered lines as its spec says, a few at a time; also a program, for tests that
// kill it.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Driver, Manager, success } from "@open-ug/conveyor";

export function counter(pause: number, ends = true): Driver<{ lines: number }> {
  return new Driver<{ lines: number }>({
    name: "counter",
    definitions: ["count"],
    slots: 4,
    // So little memory that lines go to the file while the server is away.
    logMemory: 256 << 10,
    async reconcile({ spec, log, signal }) {
      for (let number = 0; number < spec.lines; number += 1) {
        await log.line("stdout", `line ${number}`);
        if (number % 100 === 0) {
          await setTimeout(pause, undefined, { signal });
        }
      }
      if (!ends) {
        await once(signal, "abort");
      }
      return success("counted");
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Killed in the middle of its work, however late.
  await new Manager(process.argv[2]!, counter(5, false)).runUntilSignal();
}
