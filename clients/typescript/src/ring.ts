// Encoded log lines on their way from the work to the thread that sends them: a ring in shared memory.
//
// One side writes and one reads. A record is a line as it stands in a Log message, so that nothing is
// encoded twice. The writer wakes the reader when as much waits as the reader asked for.

const HEAD = 0;
const TAIL = 1;
const WAKE_AT = 2;
const WAITING = 3;
const CLOSED = 4;
const SIGNAL = 5;
const CONTROL_BYTES = 64;
const NEVER = 0x7fffffff;

/** Makes the shared memory of a ring; `size` is a power of two. */
export function newRing(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + size);
}

class Ring {
  protected readonly control: Int32Array;
  protected readonly bytes: Uint8Array;

  constructor(readonly shared: SharedArrayBuffer) {
    this.control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.bytes = new Uint8Array(shared, CONTROL_BYTES);
  }

  /** How many bytes wait to be read. */
  get used(): number {
    return (Atomics.load(this.control, TAIL) - Atomics.load(this.control, HEAD)) | 0;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** Whether nothing more is taken. */
  get closed(): boolean {
    return Atomics.load(this.control, CLOSED) === 1;
  }
}

/** The side of the work. */
export class RingWriter extends Ring {
  constructor(
    shared: SharedArrayBuffer,
    private readonly wake: () => void,
  ) {
    super(shared);
  }

  /** Adds a record. Where it has no room the calling thread waits; a closed ring drops it. */
  put(record: Uint8Array): void {
    while (!this.closed) {
      const signal = Atomics.load(this.control, SIGNAL);
      if (this.size - this.used >= record.length) {
        this.write(record);
        return;
      }
      this.callReader();
      if (!this.closed && this.size - this.used < record.length) {
        Atomics.wait(this.control, SIGNAL, signal);
      }
    }
  }

  /** Whether so much waits that who can wait should. Then the reader will say when there is room. */
  crowded(): boolean {
    if (this.closed || !isCrowded(this.used, this.size)) {
      return false;
    }
    this.callReader();
    return true;
  }

  private callReader(): void {
    Atomics.store(this.control, WAITING, 1);
    this.wake();
  }

  private write(record: Uint8Array): void {
    const tail = Atomics.load(this.control, TAIL);
    const at = tail & (this.size - 1);
    const first = Math.min(record.length, this.size - at);
    this.bytes.set(first === record.length ? record : record.subarray(0, first), at);
    if (first < record.length) {
      this.bytes.set(record.subarray(first), 0);
    }
    Atomics.store(this.control, TAIL, (tail + record.length) | 0);
    if (
      this.used >= Atomics.load(this.control, WAKE_AT) &&
      Atomics.exchange(this.control, WAKE_AT, NEVER) !== NEVER
    ) {
      this.wake();
    }
  }
}

/** The side of the thread. */
export class RingReader extends Ring {
  /** Copies at most so many of the bytes that wait; they stay until `drop`. */
  peek(most: number): Uint8Array {
    const count = Math.min(most, this.used);
    const at = Atomics.load(this.control, HEAD) & (this.size - 1);
    const copy = new Uint8Array(count);
    const first = Math.min(count, this.size - at);
    copy.set(this.bytes.subarray(at, at + first));
    copy.set(this.bytes.subarray(0, count - first), first);
    return copy;
  }

  drop(count: number): void {
    Atomics.add(this.control, HEAD, count);
    this.signal();
  }

  /** Asks to be woken when so many bytes wait; without a number, not at all. */
  wakeAt(bytes = NEVER): void {
    Atomics.store(this.control, WAKE_AT, bytes);
  }

  /** Whether the writer waits for room, or would like to. */
  get waiting(): boolean {
    return Atomics.load(this.control, WAITING) === 1;
  }

  /** Whether a writer that waits may go on. It is told once. */
  relieved(): boolean {
    return (
      this.waiting &&
      (this.closed || !isCrowded(this.used, this.size)) &&
      Atomics.exchange(this.control, WAITING, 0) === 1
    );
  }

  close(): void {
    Atomics.store(this.control, CLOSED, 1);
    this.signal();
  }

  private signal(): void {
    Atomics.add(this.control, SIGNAL, 1);
    Atomics.notify(this.control, SIGNAL);
  }
}

function isCrowded(used: number, size: number): boolean {
  return used > size - size / 4;
}
