// What a logger writes: labels, streams, long lines, and the output of children.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { SOON, until } from "./patience.js";
import { TestLog } from "./task-log.js";

const options = { timeout: SOON };

test("lines have levels, labels and streams", () => {
  const log = new TestLog();
  const { logger } = log;
  logger.info("two\nlines");
  logger.with({ image: "app", layers: 3 }).warn("pushed", { tag: "v1" });
  logger.line("stderr", "");
  logger.log({ step: "test" }, "as before");
  logger.debug("a\ud83db");
  logger.error(undefined as any);
  assert.deepEqual(log.text(), [
    'driver {"level":"info"} two',
    'driver {"level":"info"} lines',
    'driver {"image":"app","layers":"3","tag":"v1","level":"warn"} pushed',
    "stderr {} ",
    'driver {"step":"test"} as before',
    'driver {"level":"debug"} a\ufffdb',
    'driver {"level":"error"} undefined',
  ]);
  assert.ok(log.read().every(({ time }) => Math.abs(Date.now() - time!.getTime()) < SOON));
});

test("long lines are split and marked", async () => {
  const log = new TestLog();
  const long = "€".repeat(50 << 10);
  log.logger.line("stdout", long);
  await log.logger.pipe("stdout", Readable.from([Buffer.from(long)]));
  const lines = log.read();
  assert.deepEqual(
    lines.map((line) => line.labels.split === "true"),
    [true, true, false, true, true, false],
  );
  assert.ok(lines.every((line) => Buffer.byteLength(line.message) <= 64 << 10));
  for (const half of [lines.slice(0, 3), lines.slice(3)]) {
    assert.equal(half.map((line) => line.message).join(""), long);
  }
});

test("labels are kept within the limits", () => {
  const log = new TestLog();
  let { logger } = log;
  for (let number = 0; number < 40; number += 1) {
    logger = logger.with({ [`label${number}`]: "v".repeat(2_000) });
  }
  logger.with({ label0: "other", "": "no name" }).line("stdout", "x".repeat(100 << 10));
  const lines = log.read();
  assert.deepEqual(
    lines.map((line) => Object.keys(line.labels).length),
    [32, 31],
  );
  assert.equal(lines[0]!.labels.label1!.length, 1 << 10);
  assert.equal(lines[0]!.labels.label0, "other");
});

test("a command's output is in the log", options, async () => {
  const log = new TestLog();
  const script = "echo out; echo err >&2; printf 'no end'; exit 3";
  await assert.rejects(log.logger.run("sh", ["-c", script]), { message: "sh ended with code 3" });
  assert.deepEqual(log.text().sort(), ["stderr {} err", "stdout {} no end", "stdout {} out"]);
  await log.logger.run("true");
  await assert.rejects(log.logger.run("sh", ["-c", "kill -9 $$"]), { message: "sh ended with SIGKILL" });
});

test("a command that cannot be started is an error that names it", options, async () => {
  await assert.rejects(
    new TestLog().logger.run("/no/such/command"),
    /ENOENT.*\/no\/such\/command|\/no\/such\/command.*ENOENT/,
  );
});

test("a command whose task is cancelled is told to end, and its last words are kept", options, async () => {
  const log = new TestLog();
  const cancel = new AbortController();
  const script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done";
  const running = log.logger.run("sh", ["-c", script], { signal: cancel.signal });
  running.catch(() => {});
  await until("it runs", () => log.text().length > 0);
  cancel.abort();
  await assert.rejects(running, { name: "AbortError" });
  assert.deepEqual(log.text(), ["stdout {} ready", "stdout {} bye"]);
});

test("more output than there is room for holds up the command, and is whole", options, async () => {
  const log = new TestLog(256 << 10, 0);
  const text = "x".repeat(1_000);
  const running = log.logger.run("sh", ["-c", `yes ${text} | head -n 4000`]);
  let next = 0;
  let ended = false;
  const end = running.then(() => {
    ended = true;
  });
  await until("all lines come", () => {
    for (const { message } of log.read()) {
      assert.equal(message, text);
      next += 1;
    }
    log.lines.free(next);
    return ended && log.lines.next === next;
  });
  assert.equal(next, 4_000);
  await end;
});
