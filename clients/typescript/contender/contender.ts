// The TypeScript runtime's driver in the conformance suite: it does what the spec of each resource says.
// clients/conformance/README.md is the contract.

import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { cancellation, Driver, Manager, type Result, success, type Task } from "@open-ug/conveyor";

interface Op {
  op: string;
  text?: string;
  count?: number;
  size?: number;
  stream?: string;
  level?: "debug" | "info" | "warn" | "error";
  labels?: Record<string, string>;
  command?: string[];
  ms?: number;
  success?: boolean;
  data?: unknown;
  data_size?: number;
}

interface Spec {
  do: Op[];
}

function parse(spec: unknown): Spec {
  const ops = (spec as Spec | null)?.do ?? [];
  if (!Array.isArray(ops) || !ops.every((op) => typeof op?.op === "string")) {
    throw new TypeError("`do` is no list of ops");
  }
  return { do: ops };
}

async function reconcile(task: Task<Spec>): Promise<Result> {
  for (const op of task.spec.do) {
    switch (op.op) {
      case "error":
        throw new Error(op.text);
      case "result":
        return resultOf(op);
      default:
        await carryOut(op, task);
    }
  }
  return success();
}

async function carryOut(op: Op, task: Task<Spec>): Promise<void> {
  const { ms = 0, text = "" } = op;
  switch (op.op) {
    case "print":
      say(`${task.id} ${text}`);
      break;
    case "log":
      await log(op, task);
      break;
    case "pipe":
      await task.log.run(op.command![0]!, op.command!.slice(1));
      break;
    case "echo":
      echo(task);
      break;
    case "sleep":
      await setTimeout(ms, undefined, { signal: task.signal }).catch(() => {});
      break;
    case "await-cancel":
      if (!task.signal.aborted) {
        await new Promise((resolve) => task.signal.addEventListener("abort", resolve));
      }
      say(`${task.id} cancelled ${cancellation(task.signal)?.why}`);
      break;
    case "linger":
      await setTimeout(ms);
      break;
    case "block":
      for (const end = Date.now() + ms; Date.now() < end; ) {}
      break;
    case "throw":
      throw new Error(text);
    default:
      throw new Error(`the op "${op.op}" is not known`);
  }
}

async function log(op: Op, task: Task<Spec>): Promise<void> {
  const { text = "", count = 1, size = 0, stream = "stdout", level } = op;
  const log = op.labels ? task.log.with(op.labels) : task.log;
  for (let n = 0; n < count; n += 1) {
    const line = text.replaceAll("{n}", String(n)).padEnd(size, "x");
    await (level === undefined ? log.line(stream, line) : log[level](line));
  }
}

function resultOf(op: Op): Result {
  const data = op.data_size === undefined ? op.data : "x".repeat(op.data_size);
  return { success: op.success ?? true, message: (op.text ?? "").padEnd(op.size ?? 0, "x"), data };
}

function echo(task: Task<Spec>): void {
  const said = {
    task_id: task.id,
    run_id: task.runId,
    attempt: task.attempt,
    event: task.event,
    cause: task.cause,
    definition: task.resource.definition,
    resource: task.resource.name,
    revision: task.resource.revision,
    metadata: task.resource.metadata,
    spec: task.resource.specJson,
    step: task.step.id,
    params: task.params ?? null,
    pipeline: task.pipeline?.name ?? null,
    results: task.results.map(({ step, driver, success, message, data = null }) => {
      return { step, driver, success, message, data };
    }),
    ms_left: task.deadline ? task.deadline.getTime() - Date.now() : null,
    traceparent: task.traceparent,
    tracestate: task.tracestate,
  };
  task.log.line("echo", JSON.stringify(said));
}

/** Writes a whole line for the suite, past all buffers. */
function say(text: string): void {
  writeSync(1, `${text}\n`);
}

function setting(name: string): string {
  return process.env[`CONTENDER_${name}`] ?? "";
}

function list(name: string): string[] {
  return setting(name).split(",").filter(Boolean);
}

function number(name: string): number | undefined {
  return setting(name) === "" ? undefined : Number(setting(name));
}

const driver = new Driver<Spec>({
  name: setting("DRIVER"),
  slots: number("SLOTS"),
  definitions: list("DEFINITIONS"),
  events: list("EVENTS"),
  labels: Object.fromEntries(list("LABELS").map((label) => label.split("="))),
  logMemory: number("LOG_MEMORY"),
  logSpill: number("LOG_SPILL"),
  stopAtLeaseEnd: setting("STOP_AT_LEASE_END") === "true",
  parse,
  reconcile,
  onMessage: ({ event, payload }) => say(`message ${event} ${payload}`),
});

await new Manager(setting("SERVER"), driver).runUntilSignal();
