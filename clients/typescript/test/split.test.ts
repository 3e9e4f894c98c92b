// How output becomes lines, and how lines and texts are cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, cutAt, Splitter, textLines } from "../src/split.js";
import { chance } from "./chance.js";

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

test("broken characters become marks, and bytes that are no text make progress", () => {
  assert.equal(split([Buffer.from([0x61, 0xff, 0x62, 10])], 8), "a\ufffdb$");
  const none = Buffer.alloc(1_000, 0x80);
  assert.equal(
    Buffer.from(split([none], 10))
      .toString()
      .replace(/[+$]/g, "").length,
    1_000,
  );
});

test("text is cut between characters", () => {
  for (const [limit, at] of [
    [4, 4],
    [5, 4],
    [6, 6],
    [7, 6],
    [9, 6],
    [10, 10],
    [100, 10],
  ]) {
    assert.equal(cutAt(Buffer.from("abcdä🦀"), limit!), at);
  }
  assert.equal(clip("ä".repeat(9_000), 16 << 10), "ä".repeat(8 << 10));
  assert.equal(clip("a\ud83db", 100), "a\ufffdb");
});

test("whatever is cut, the pieces are the whole", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const below = chance(seed);
    const letters = ["a", "ä", "€", "🦀", "\r", "\n", "\r\n"];
    const text = Array.from({ length: below(80) }, () => letters[below(letters.length)]).join("");
    const bytes = Buffer.from(text);
    const parts = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + below(12);
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    const whole = split(parts, 4 + below(8)).replaceAll("+", "");
    const lines = text.split(/\r?\n/);
    const expected = lines
      .map((line, at) => (at === lines.length - 1 && line === "" ? "" : `${line}$`))
      .join("");
    assert.equal(whole, expected, `seed ${seed}: ${JSON.stringify(text)}`);
  }
});
