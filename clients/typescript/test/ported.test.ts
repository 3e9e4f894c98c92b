// A driver written in the words of Conveyor CI's SDKs, and what it is given.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, type DriverLogger, DriverManager, type DriverResult, ported } from "@open-ug/conveyor";
import type { Task } from "../src/task.js";
import { TestLog } from "./task-log.js";

async function reconcile(
  payload: string,
  event: string,
  runId: string,
  logger: DriverLogger,
): Promise<DriverResult> {
  await logger.log({ step: 1 }, `${event} ${runId}`);
  return { success: true, message: payload };
}

test("a ported driver gets what it expects", async () => {
  const driver = new Driver({
    name: "command-runner",
    definitions: ["pipeline"],
    reconcile: ported(reconcile),
  });
  const manager = new DriverManager(driver, ["create"]);
  const [listening] = [manager.drivers].flat();
  assert.deepEqual(listening!.options.events, ["create"]);
  const log = new TestLog();
  const resource = {
    id: "id",
    name: "p",
    pipeline: "",
    definition: "pipeline",
    metadata: { a: "b" },
    specJson: '{"image": 2.50}',
    revision: 1,
  };
  const task = { resource, event: "create", runId: "run", log: log.logger } as unknown as Task<unknown>;
  assert.deepEqual(await listening!.options.reconcile(task), {
    success: true,
    message: '{"id":"id","name":"p","resource":"pipeline","metadata":{"a":"b"},"spec":{"image": 2.50}}',
  });
  assert.deepEqual(log.text(), ['driver {"step":"1"} create run']);
});
