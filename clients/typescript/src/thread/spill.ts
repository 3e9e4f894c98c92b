// Log lines on disk, for which there is no room in memory: a ring in a temporary file.
//
// The file has no name from its start on, so that it is gone with its process, however that ends.

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is between head and tail waits to be read; both only grow. */
export class Spill {
  private readonly file: number;
  private head = 0;
  private tail = 0;

  constructor(private readonly size: number) {
    const folder = mkdtempSync(join(tmpdir(), "conveyor-log-"));
    try {
      this.file = openSync(join(folder, "lines"), "wx+", 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  get used(): number {
    return this.tail - this.head;
  }

  hasRoom(bytes: number): boolean {
    return this.used + bytes <= this.size;
  }

  write(bytes: Uint8Array): void {
    this.each(bytes, this.tail, (part, at) => writeSync(this.file, part, 0, part.length, at));
    this.tail += bytes.length;
  }

  /** The bytes at the head, at most so many; they stay until `drop`. */
  peek(most: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(most, this.used));
    this.each(bytes, this.head, (part, at) => readSync(this.file, part, 0, part.length, at));
    return bytes;
  }

  drop(bytes: number): void {
    this.head += bytes;
  }

  close(): void {
    closeSync(this.file);
  }

  /** Does something with bytes of the ring, in two parts where they go over its end. */
  private each(bytes: Uint8Array, from: number, transfer: (part: Uint8Array, at: number) => number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = (from + done) % this.size;
      const moved = transfer(bytes.subarray(done, done + Math.min(bytes.length - done, this.size - at)), at);
      if (moved === 0) {
        throw new Error("the file is shorter than what was written");
      }
      done += moved;
    }
  }
}
