// Lines in memory and on disk: in order, each once, and a writer that waits where there is no room.

import assert from "node:assert/strict";
import { once } from "node:events";
import { ftruncateSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { newRing, RingReader } from "../src/ring.js";
import { limitsOf } from "../src/thread/limits.js";
import { Lines } from "../src/thread/lines.js";
import { Spill } from "../src/thread/spill.js";
import { SOON, soon, until } from "./patience.js";
import { decoded, TestLog } from "./task-log.js";
import { text } from "./writer.js";

const RING = 64 << 10;
const BLOCK = 32 << 10;

/** Lines that another thread writes, and the end of that thread. */
function written(t: TestContext, count: number, memory: number, spill: number) {
  const ring = newRing(RING);
  const reader = new RingReader(ring);
  const nothing = () => {};
  const lines = new Lines(reader, memory, spill, nothing, nothing);
  const worker = new Worker(new URL("./writer.js", import.meta.url), { workerData: { ring, count } });
  worker.on("message", () => lines.pump());
  t.after(() => worker.terminate());
  return { lines, reader, ended: once(worker, "exit") };
}

/** Takes and frees batches until there were so many lines, and checks each. */
async function drain(lines: Lines, count: number): Promise<void> {
  let next = 0;
  const deadline = performance.now() + SOON;
  while (next < count) {
    const batch = lines.batch(next, limitsOf());
    for (const { message } of decoded(batch.parts)) {
      assert.equal(message, text(next));
      next += 1;
    }
    assert.ok(performance.now() < deadline, `line ${next} does not come`);
    lines.free(next);
    await setImmediate();
  }
}

/** What is in memory and not in the file. */
function inMemory(lines: Lines): number {
  return lines["cost"] + lines["newest"].reduce((sum, block) => sum + block.bytes.length, 0);
}

for (const memory of [1, 2 * BLOCK, 1 << 20]) {
  test(`lines beyond ${memory} bytes come back from the file in order`, { timeout: SOON }, async (t) => {
    const { lines, ended } = written(t, 20_000, memory, 1 << 20);
    await drain(lines, 20_000);
    await ended;
    assert.equal(lines.seal(), 20_000);
    assert.equal(lines["spill"], undefined, "the file is closed");
  });
}

test("lines beyond memory are in a file without a name, as long as they are wanted", () => {
  const place = mkdtempSync(join(tmpdir(), "conveyor-test-"));
  const { TMPDIR } = process.env;
  const files = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(place);
      } catch {
        return false;
      }
    });
  try {
    process.env.TMPDIR = place;
    const log = new TestLog(2 * BLOCK, 16 << 20);
    for (let number = 0; number < 20_000; number += 1) {
      log.logger.line("stdout", text(number));
      assert.ok(inMemory(log.lines) <= 2 * BLOCK);
    }
    assert.ok(log.lines["spilled"] > 15_000);
    assert.deepEqual(readdirSync(place), []);
    if (process.platform === "linux") {
      assert.equal(files().length, 1);
      log.lines.discard();
      assert.equal(files().length, 0);
    }
  } finally {
    if (TMPDIR === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = TMPDIR;
    }
    rmSync(place, { recursive: true });
  }
});

for (const spill of [0, 256 << 10]) {
  test(`a writer waits when memory and ${spill} bytes of file are full`, { timeout: SOON }, async (t) => {
    const { lines, reader, ended } = written(t, 10_000, 2 * BLOCK, spill);
    const room = () => reader.size - reader.used;
    await until("the writer waits", () => reader.waiting && room() < 400);
    lines.pump();
    assert.ok(reader.waiting && room() < 400, "there is no room that would be found");
    assert.ok(lines.next < 10_000);
    await drain(lines, 10_000);
    await ended;
  });
}

test("a log call says when there is room again", async () => {
  const log = new TestLog(1, 0);
  let waits: PromiseLike<void>;
  let count = 0;
  do {
    waits = log.logger.line("stdout", text(count));
    count += 1;
  } while (!log.task["ring"].crowded());
  let settled = false;
  const room = Promise.resolve(waits).then(() => {
    settled = true;
  });
  await setImmediate();
  assert.equal(settled, false);
  await drain(log.lines, count);
  await soon("there is room", room);
});

for (const end of ["seal", "discard"] as const) {
  test(`${end} lets a waiting writer go`, { timeout: SOON }, async (t) => {
    const { lines, reader, ended } = written(t, 10_000, 1, 0);
    await until("the writer waits", () => reader.waiting && reader.used > RING - 400);
    lines[end]();
    await ended;
    if (end === "seal") {
      const { next } = lines;
      assert.ok(next > 0 && next < 10_000);
      await drain(lines, next);
    } else {
      assert.equal(lines.next, 0);
    }
  });
}

test("a file that cannot be read is told in the log, and its lines keep their numbers", () => {
  const log = new TestLog(1, 16 << 20);
  for (let number = 0; number < 5_000; number += 1) {
    log.logger.line("stdout", text(number));
  }
  const spilled = log.lines["spilled"];
  const before = log.lines.next - spilled;
  assert.ok(spilled > 0);
  ftruncateSync(log.lines["spill"]!["file"], 0);
  log.lines.free(before);
  const batch = log.lines.batch(before, limitsOf());
  assert.ok(batch.count > 0);
  for (const line of decoded(batch.parts)) {
    assert.match(line.message, /lost.*shorter/);
  }
  assert.equal(log.lines.seal(), 5_000);
});

test("where there can be no file the writer waits for memory", async () => {
  const { TMPDIR } = process.env;
  try {
    process.env.TMPDIR = "/no/such/folder";
    const log = new TestLog(1, 1 << 20);
    let count = 0;
    while (!log.task["ring"].crowded()) {
      log.logger.line("stdout", text(count));
      count += 1;
    }
    assert.equal(log.lines["spilled"], 0);
    await drain(log.lines, count);
  } finally {
    if (TMPDIR === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = TMPDIR;
    }
  }
});

test("the file is a ring", () => {
  const spill = new Spill(100);
  for (let number = 0; number < 200; number += 1) {
    const bytes = new Uint8Array(number % 100).fill(number);
    assert.ok(spill.hasRoom(bytes.length));
    spill.write(bytes);
    assert.deepEqual(spill.peek(1_000), bytes);
    spill.drop(bytes.length);
  }
  assert.equal(spill.hasRoom(101), false);
  spill.close();
});

test("batches keep the limits", () => {
  const log = new TestLog();
  for (let number = 0; number < 1_000; number += 1) {
    log.logger.line("stdout", text(number));
  }
  log.lines.pump();
  const few = log.lines.batch(10, limitsOf({ logBatchLines: 7 }));
  const expected = Array.from({ length: 7 }, (_, at) => text(10 + at));
  assert.deepEqual(
    decoded(few.parts).map((line) => line.message),
    expected,
  );
  assert.equal(few.bytes, Buffer.concat(few.parts).length);
  assert.equal(log.lines.batch(299, limitsOf({ logBatchBytes: 100 })).count, 1);
  const small = log.lines.batch(0, limitsOf({ logBatchBytes: 1_000 }));
  assert.ok(small.count > 1 && small.bytes <= 1_000);
  assert.equal(log.lines.batch(1_000, limitsOf()).count, 0);
});
