// A task's log without a thread: what its logger writes, to be read as lines.

import { Log, LogLine } from "../src/gen/conveyor/v1/driver_service.js";
import { Logger, TaskLog } from "../src/logger.js";
import { newRing, RingReader, RingWriter } from "../src/ring.js";
import { limitsOf } from "../src/thread/limits.js";
import { Lines } from "../src/thread/lines.js";

/** The lines of a batch, decoded. */
export function decoded(parts: Uint8Array[]): LogLine[] {
  return Log.decode(Buffer.concat(parts)).lines;
}

export class TestLog {
  readonly lines: Lines;
  readonly logger: Logger;
  readonly task: TaskLog;

  /** Memory and file hold so many bytes, besides 1 MiB under way. */
  constructor(memory = 16 << 20, spill = 0) {
    const ring = newRing(1 << 20);
    this.lines = new Lines(
      new RingReader(ring),
      memory,
      spill,
      () => {},
      () => this.task.relieved(),
    );
    this.task = new TaskLog(new RingWriter(ring, () => this.lines.pump()), 64 << 10);
    this.logger = new Logger(this.task);
  }

  /** All that was written and is not free, without freeing it. */
  read(): LogLine[] {
    this.lines.pump();
    const all: LogLine[] = [];
    for (;;) {
      const batch = this.lines.batch(this.lines.oldest + all.length, limitsOf());
      if (batch.count === 0) {
        return all;
      }
      all.push(...decoded(batch.parts));
    }
  }

  /** Each line as "stream labels message". */
  text(): string[] {
    return this.read().map(({ stream, labels, message }) => `${stream} ${JSON.stringify(labels)} ${message}`);
  }
}
