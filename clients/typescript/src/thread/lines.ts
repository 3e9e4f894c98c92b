// The log lines of one task, kept until they are on the server's disk.
//
// Lines come out of the ring. The oldest are in memory, those for which it has no room in a file, from
// where they come back in order. When the file is full too, they stay in the ring, and who writes waits.
// A line's number is its place in the task, from 0, and never changes.

import { encodeHead, encodeLine, recordEnd, recordEnds } from "../record.js";
import type { RingReader } from "../ring.js";
import type { Limits } from "./limits.js";
import { Spill } from "./spill.js";

/** How much is moved at once. */
const BLOCK = 32 << 10;
/** What a block costs besides its bytes, and a line. */
const BLOCK_OVERHEAD = 256;
const LINE_OVERHEAD = 8;

/** Records in memory. `skip` of them are on the server's disk. */
interface Block {
  bytes: Uint8Array;
  ends: number[];
  skip: number;
}

/** The lines of a batch: their records, and how many they are. */
export interface Batch {
  parts: Uint8Array[];
  bytes: number;
  count: number;
}

export class Lines {
  private first = 0;
  private kept: Block[] = [];
  private cost = 0;
  private spilled = 0;
  private newest: Block[] = [];
  private spill: Spill | undefined;
  private sealed = false;

  constructor(
    private readonly ring: RingReader,
    private readonly memory: number,
    private spillSize: number,
    private readonly changed: () => void,
    private readonly relieved: () => void,
  ) {
    ring.wakeAt(1);
  }

  /** The number of the first line that is not known to be on the server's disk. */
  get oldest(): number {
    return this.first;
  }

  /** The number that the next new line gets. */
  get next(): number {
    return this.first + count(this.kept) + this.spilled + count(this.newest);
  }

  /** Moves lines to where there is room for them. */
  pump(): void {
    while (!this.sealed) {
      while (this.refill() || this.take()) {}
      const wakeAt = this.spilled === 0 && this.hasMemory() ? 1 : this.spillSize > 0 ? BLOCK : undefined;
      this.ring.wakeAt(wakeAt);
      if (wakeAt === undefined || this.ring.used < wakeAt || !this.canTake()) {
        break;
      }
    }
    if (this.ring.relieved()) {
      this.relieved();
    }
  }

  /** Forgets the lines before `next`: they are on the server's disk. */
  free(next: number): void {
    while (this.first < next && this.kept.length > 0) {
      const block = this.kept[0]!;
      const gone = Math.min(next - this.first, block.ends.length - block.skip);
      block.skip += gone;
      this.first += gone;
      if (block.skip === block.ends.length) {
        this.kept.shift();
        this.cost -= costOf(block);
      }
    }
    if (this.sealed) {
      while (this.refill()) {}
    } else {
      this.pump();
    }
  }

  /** Takes no more lines than are under way, and says how many there were. */
  seal(): number {
    if (!this.sealed) {
      this.pump();
      this.sealed = true;
      this.ring.close();
      while (this.ring.used > 0) {
        this.newest.push(this.fromRing());
      }
      this.pump();
      while (this.refill()) {}
    }
    return this.next;
  }

  /** Takes no more lines and forgets those it has: nobody wants them. */
  discard(): void {
    this.sealed = true;
    this.ring.close();
    this.kept = [];
    this.newest = [];
    this.spilled = 0;
    this.closeSpill();
    this.pump();
  }

  /** The lines from a number on, as many as fit into one batch; at least one if there is one. */
  batch(from: number, limits: Limits): Batch {
    const batch: Batch = { parts: [], bytes: 0, count: 0 };
    let at = this.first;
    for (const block of this.kept) {
      const here = block.ends.length - block.skip;
      if (from >= at + here || from < this.first) {
        at += here;
        continue;
      }
      const start = block.skip + Math.max(0, from - at);
      const offset = start === 0 ? 0 : block.ends[start - 1]!;
      let end = start;
      while (end < block.ends.length && batch.count < limits.batchLines) {
        const bytes = batch.bytes + block.ends[end]! - (end === 0 ? 0 : block.ends[end - 1]!);
        if (batch.count > 0 && bytes > limits.batchBytes) {
          break;
        }
        batch.bytes = bytes;
        batch.count += 1;
        end += 1;
      }
      if (end > start) {
        batch.parts.push(block.bytes.subarray(offset, block.ends[end - 1]!));
      }
      if (end < block.ends.length) {
        break;
      }
      at += here;
    }
    return batch;
  }

  private hasMemory(): boolean {
    return this.kept.length === 0 || this.cost + 2 * BLOCK <= this.memory;
  }

  private canTake(): boolean {
    if (this.spilled === 0 && this.hasMemory()) {
      return true;
    }
    return this.spillSize > 0 && (this.spill === undefined || this.spill.hasRoom(this.ring.used));
  }

  private keep(block: Block): void {
    this.kept.push(block);
    this.cost += costOf(block);
    this.changed();
  }

  /** Takes a block out of the ring. False: there is none, or no room for it. */
  private take(): boolean {
    if (this.ring.used === 0) {
      return false;
    }
    if (this.spilled === 0 && this.hasMemory()) {
      this.keep(this.fromRing());
      return true;
    }
    return (this.ring.used >= BLOCK || this.ring.waiting) && this.toFile();
  }

  private fromRing(): Block {
    let bytes = this.ring.peek(BLOCK);
    const whole = recordEnd(bytes, 0);
    if (whole > bytes.length) {
      bytes = this.ring.peek(whole);
    }
    const block = blockOf(bytes);
    this.ring.drop(block.bytes.length);
    return block;
  }

  private toFile(): boolean {
    if (this.spillSize <= 0) {
      return false;
    }
    try {
      this.spill ??= new Spill(this.spillSize);
      let bytes = this.ring.peek(4 * BLOCK);
      const whole = recordEnd(bytes, 0);
      if (whole > bytes.length) {
        bytes = this.ring.peek(whole);
      }
      const block = blockOf(bytes);
      if (!this.spill.hasRoom(block.bytes.length)) {
        return false;
      }
      this.spill.write(block.bytes);
      this.spilled += block.ends.length;
      this.ring.drop(block.bytes.length);
      return true;
    } catch {
      // Where there can be no file, or the disk is full, who writes waits for memory. What is in the
      // file already still comes back.
      this.spillSize = 0;
      return false;
    }
  }

  /** Brings a block back from the file, or from those that came last. */
  private refill(): boolean {
    if (!this.hasMemory()) {
      return false;
    }
    if (this.spilled > 0) {
      this.keep(this.fromFile());
      return true;
    }
    if (this.sealed) {
      this.closeSpill();
    }
    const next = this.newest.shift();
    if (next !== undefined) {
      this.keep(next);
    }
    return next !== undefined;
  }

  private fromFile(): Block {
    try {
      const spill = this.spill!;
      let bytes = spill.peek(BLOCK);
      const whole = recordEnd(bytes, 0);
      if (whole > bytes.length) {
        bytes = spill.peek(whole);
      }
      const block = blockOf(bytes);
      spill.drop(block.bytes.length);
      this.spilled -= block.ends.length;
      return block;
    } catch (error) {
      const lost = this.lost(error);
      this.spilled = 0;
      this.spillSize = 0;
      return lost;
    }
  }

  /**
   * Stands for lines that cannot be read back: their numbers are given out, and who reads the log shall
   * see that something is missing.
   */
  private lost(error: unknown): Block {
    const text = `a line is lost, since the file that kept it cannot be read: ${error}`;
    const record = encodeLine(encodeHead("driver", {}), text).slice();
    const bytes = Buffer.concat(Array(this.spilled).fill(record));
    return { bytes, ends: Array.from({ length: this.spilled }, (_, i) => (i + 1) * record.length), skip: 0 };
  }

  private closeSpill(): void {
    this.spill?.close();
    this.spill = undefined;
    this.spillSize = 0;
  }
}

function blockOf(bytes: Uint8Array): Block {
  const ends = recordEnds(bytes);
  const whole = ends.at(-1);
  if (whole === undefined) {
    throw new Error("what was written is no line");
  }
  return { bytes: whole === bytes.length ? bytes : bytes.slice(0, whole), ends, skip: 0 };
}

function costOf(block: Block): number {
  return block.bytes.length + LINE_OVERHEAD * block.ends.length + BLOCK_OVERHEAD;
}

function count(blocks: Block[]): number {
  return blocks.reduce((sum, block) => sum + block.ends.length - block.skip, 0);
}
