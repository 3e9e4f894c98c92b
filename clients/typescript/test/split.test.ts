// How output becomes lines, and how lines go through the ring and the file.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLine } from "../src/gen/conveyor/v1/driver_service.js";
import { encodeHead, encodeLine } from "../src/record.js";
import { newRing, RingReader, RingWriter } from "../src/ring.js";
import { Splitter, textLines } from "../src/split.js";
import { limitsOf } from "../src/thread/limits.js";
import { Lines } from "../src/thread/lines.js";

function split(parts: Uint8Array[], limit: number): string {
  let all = "";
  const splitter = new Splitter(limit, (line, goesOn) => {
    all += Buffer.from(line).toString() + (goesOn ? "+" : "$");
  });
  for (const part of parts) {
    splitter.feed(part);
  }
  splitter.end();
  return all;
}

test("lines do not depend on how the bytes come", () => {
  const text = Buffer.from("one\r\ntwo\n\nää€🦀\nmuch too long\r\nabcdefgh\r\nend");
  const whole = split([text], 8);
  assert.equal(whole, "one$two$$ää€+🦀$much too+ long$abcdefgh$end$");
  for (let size = 1; size < text.length; size += 1) {
    const parts = [];
    for (let at = 0; at < text.length; at += size) {
      parts.push(text.subarray(at, at + size));
    }
    assert.equal(split(parts, 8), whole);
  }
});

test("text is cut at its line ends", () => {
  assert.deepEqual(textLines(""), [""]);
  assert.deepEqual(textLines("a\r\n\nb\n"), ["a", "", "b"]);
  assert.deepEqual(textLines("a\r"), ["a"]);
});

test("lines beyond memory come back from the file in order", () => {
  const ring = newRing(64 << 10);
  let lines: Lines;
  const writer = new RingWriter(ring, () => lines.pump());
  lines = new Lines(
    new RingReader(ring),
    100_000,
    1 << 20,
    () => {},
    () => {},
  );
  const head = encodeHead("stdout", {});
  const text = (number: number) => `line ${number} ${"x".repeat(number % 300)}`;
  for (let number = 0; number < 5_000; number += 1) {
    writer.put(encodeLine(head, text(number)));
  }
  assert.equal(lines.seal(), 5_000);
  let next = 0;
  while (next < 5_000) {
    const batch = lines.batch(next, limitsOf());
    assert.ok(batch.count > 0);
    const bytes = Buffer.concat(batch.parts);
    for (let at = 0; at < bytes.length; next += 1) {
      let size = 0;
      let shift = 0;
      do {
        at += 1;
        size |= (bytes[at]! & 0x7f) << shift;
        shift += 7;
      } while (bytes[at]! >= 0x80);
      assert.equal(LogLine.decode(bytes.subarray(at + 1, at + 1 + size)).message, text(next));
      at += 1 + size;
    }
    lines.free(next);
  }
});
