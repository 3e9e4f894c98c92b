// How a log line stands in a Log message: a tag, its length, and its fields. Fields of a message may come
// in any order and in parts, so that what many lines share is encoded once.

import { LogLine } from "./gen/conveyor/v1/driver_service.js";

const LINES_TAG = (4 << 3) | 2;
const MESSAGE_TAG = (4 << 3) | 2;

/** The encoded stream and labels of a line. */
export function encodeHead(stream: string, labels: Record<string, string>): Uint8Array {
  return LogLine.encode({ time: undefined, stream, labels, message: "" }).finish();
}

let scratch = Buffer.alloc(256 << 10);
let timeAt = 0;
let timeBytes: Uint8Array = new Uint8Array();

/** The record of a line. It is good until the next call. */
export function encodeLine(head: Uint8Array, message: string | Uint8Array): Uint8Array {
  const now = Date.now();
  if (now !== timeAt) {
    timeAt = now;
    timeBytes = LogLine.encode({ time: new Date(now), stream: "", labels: {}, message: "" }).finish();
  }
  const bytes = typeof message === "string" ? Buffer.byteLength(message) : message.length;
  const size = timeBytes.length + head.length + 1 + varintBytes(bytes) + bytes;
  if (size + 16 > scratch.length) {
    scratch = Buffer.alloc(2 * size + 16);
  }
  scratch[0] = LINES_TAG;
  let at = varint(scratch, 1, size);
  scratch.set(timeBytes, at);
  at += timeBytes.length;
  scratch.set(head, at);
  at += head.length;
  scratch[at] = MESSAGE_TAG;
  at = varint(scratch, at + 1, bytes);
  if (typeof message === "string") {
    at += scratch.write(message, at, "utf8");
  } else {
    scratch.set(message, at);
    at += bytes;
  }
  return scratch.subarray(0, at);
}

/** Where each whole record of `bytes` ends. */
export function recordEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let end = recordEnd(bytes, 0); end <= bytes.length && end > 0; end = recordEnd(bytes, end)) {
    ends.push(end);
  }
  return ends;
}

/** Where the record at `at` ends, be it whole or not. 0: not even its length is there. */
export function recordEnd(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let shift = 0, next = at + 1; next < bytes.length; shift += 7, next += 1) {
    const byte = bytes[next]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      return next + 1 + length;
    }
  }
  return 0;
}

export function varintBytes(value: number): number {
  let count = 1;
  for (let left = value; left >= 0x80; left >>>= 7) {
    count += 1;
  }
  return count;
}

export function varint(into: Uint8Array, at: number, value: number): number {
  let next = at;
  let left = value;
  for (; left >= 0x80; left >>>= 7) {
    into[next++] = (left & 0x7f) | 0x80;
  }
  into[next++] = left;
  return next;
}
