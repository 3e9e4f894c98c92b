// Where a task logs. Lines are kept until they are on the server's disk.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { encodeHead, encodeLine } from "./record.js";
import type { RingWriter } from "./ring.js";
import { clip, cutAt, Splitter, textLines } from "./split.js";

const OWN_STREAM = "driver";
const SPLIT_LABEL = "split";
/** A line has at most 32 labels; one is left for SPLIT_LABEL. */
const MAX_LABELS = 31;
const MAX_NAME = 128;
const MAX_VALUE = 1 << 10;

export type Labels = Record<string, unknown>;

const NOW: PromiseLike<void> = Promise.resolve();

/** What the loggers of one task share. */
export class TaskLog {
  private waiters: (() => void)[] = [];

  constructor(
    private readonly ring: RingWriter,
    readonly lineBytes: number,
  ) {}

  put(head: Head, message: string | Uint8Array, goesOn: boolean): void {
    if (typeof message === "string" && message.length * 3 <= this.lineBytes && !goesOn) {
      this.ring.put(encodeLine(head.plain, message));
      return;
    }
    let left: Uint8Array = typeof message === "string" ? Buffer.from(message) : message;
    do {
      const end = cutAt(left, this.lineBytes);
      const part = left.subarray(0, end);
      left = left.subarray(end);
      this.ring.put(encodeLine(left.length > 0 || goesOn ? head.split : head.plain, part));
    } while (left.length > 0);
  }

  /** Settles when there is room for more. */
  room(): PromiseLike<void> {
    if (!this.ring.crowded()) {
      return NOW;
    }
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  relieved(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) {
      resolve();
    }
  }
}

/** The stream and labels of lines, encoded; also with the label of a line that goes on in the next. */
class Head {
  readonly plain: Uint8Array;
  private made: Uint8Array | undefined;

  constructor(
    private readonly stream: string,
    private readonly labels: Record<string, string>,
  ) {
    this.plain = encodeHead(clip(stream, MAX_NAME), labels);
  }

  get split(): Uint8Array {
    this.made ??= encodeHead(clip(this.stream, MAX_NAME), { ...this.labels, [SPLIT_LABEL]: "true" });
    return this.made;
  }
}

/**
 * Writes the log of one task. What a call gives back may be awaited: it settles when there is room for
 * more lines. A program that never waits is held up all the same: where memory and file are full, the call
 * itself waits and the event loop with it. After the task has ended, or was fenced, lines are dropped.
 */
export class Logger {
  private readonly heads = new Map<string, Head>();

  /** @internal */
  constructor(
    private readonly to: TaskLog,
    private readonly labels: Record<string, string> = {},
  ) {}

  /** The same log, with more labels on each line; at most 31 in all. */
  with(labels: Labels): Logger {
    return new Logger(this.to, merged(this.labels, labels));
  }

  /** Writes what helps to find a fault. */
  debug(text: string, labels?: Labels): PromiseLike<void> {
    return this.say("debug", text, labels);
  }

  /** Writes what is good to know. */
  info(text: string, labels?: Labels): PromiseLike<void> {
    return this.say("info", text, labels);
  }

  /** Writes what may be wrong. */
  warn(text: string, labels?: Labels): PromiseLike<void> {
    return this.say("warn", text, labels);
  }

  /** Writes what is wrong. */
  error(text: string, labels?: Labels): PromiseLike<void> {
    return this.say("error", text, labels);
  }

  /** Writes lines with labels, as Conveyor CI's logger does. */
  log(labels: Labels, text: string): PromiseLike<void> {
    return this.put(new Head(OWN_STREAM, merged(this.labels, labels)), text);
  }

  /**
   * Writes text as a line of `stream`: stdout, stderr, or a word of your own. Text of several lines
   * becomes several lines, empty text an empty one.
   */
  line(stream: string, text: string): PromiseLike<void> {
    return this.put(this.head(stream, `line ${stream}`, this.labels), text);
  }

  /** Writes what a stream gives, line by line. Bytes that are not UTF-8 become U+FFFD. */
  async pipe(stream: string, output: Readable): Promise<void> {
    const head = this.head(stream, `line ${stream}`, this.labels);
    const splitter = new Splitter(this.to.lineBytes, (line, goesOn) => {
      this.to.put(head, Buffer.from(Buffer.from(line).toString()), goesOn);
    });
    try {
      for await (const chunk of output) {
        splitter.feed(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
        await this.to.room();
      }
    } finally {
      splitter.end();
    }
  }

  /**
   * Runs a command with its output in the log, to its end. It throws when the command cannot be started, was
   * killed, or ended with another code than 0. With the task's `signal` among the options it is told to end with
   * the task, and what it still says is in the log.
   */
  async run(command: string, args: string[] = [], options: SpawnOptions = {}): Promise<void> {
    const child: ChildProcess = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let failed: Error | undefined;
    child.on("error", (error) => {
      failed = error;
    });
    const closed = new Promise<[number | null, string | null]>((resolve) => {
      child.on("close", (code, signal) => resolve([code, signal]));
    });
    const output = [this.pipe("stdout", child.stdout!), this.pipe("stderr", child.stderr!)];
    const broken = (await Promise.allSettled(output)).find((end) => end.status === "rejected");
    const [code, signal] = await closed;
    if (failed !== undefined) {
      throw failed;
    }
    if (code !== 0) {
      throw new Error(`${command} ended with ${code === null ? signal : `code ${code}`}`);
    }
    if (broken !== undefined) {
      throw broken.reason;
    }
  }

  private say(level: string, text: string, labels?: Labels): PromiseLike<void> {
    if (labels !== undefined) {
      return this.put(new Head(OWN_STREAM, merged(this.labels, { ...labels, level })), text);
    }
    const known = this.heads.get(level);
    return this.put(known ?? this.head(OWN_STREAM, level, merged(this.labels, { level })), text);
  }

  private head(stream: string, key: string, labels: Record<string, string>): Head {
    let head = this.heads.get(key);
    if (head === undefined) {
      head = new Head(stream, labels);
      if (this.heads.size < 64) {
        this.heads.set(key, head);
      }
    }
    return head;
  }

  private put(head: Head, text: string): PromiseLike<void> {
    for (const line of textLines(String(text))) {
      this.to.put(head, line, false);
    }
    return this.to.room();
  }
}

/** Labels and more, within the limits; those that are too many are left out. */
function merged(labels: Record<string, string>, more: Labels): Record<string, string> {
  const all = { ...labels };
  for (const [key, value] of Object.entries(more)) {
    const name = clip(key, MAX_NAME);
    if (name !== "" && (name in all || Object.keys(all).length < MAX_LABELS)) {
      all[name] = clip(String(value), MAX_VALUE);
    }
  }
  return all;
}
