// What becomes of a task's work: its result, its trace, its lines; and what the work is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancellation, Driver, type DriverOptions, failure, success, type Task } from "@open-ug/conveyor";
import { DriverStreamResponse, type Reconcile, StepResult } from "../src/gen/conveyor/v1/driver_service.js";
import { Step } from "../src/gen/conveyor/v1/pipeline_service.js";
import { Resource } from "../src/gen/conveyor/v1/resource_service.js";
import { type Report, reportOf, within } from "../src/result.js";
import { limitsOf } from "../src/thread/limits.js";
import { carryOut } from "../src/work.js";
import { TestLog } from "./task-log.js";

const NOTHING = new Uint8Array();

/** An offer with a spec, as it comes from the wire. */
function offerOf(specJson: string, more: Partial<Reconcile> = {}): Reconcile {
  const resource = { ...Resource.decode(NOTHING), name: "ada", specJson };
  const empty: Reconcile = {
    taskId: "task",
    token: 1,
    runId: "run",
    event: "create",
    cause: "create",
    resource,
    pipeline: undefined,
    step: { ...Step.decode(NOTHING), id: "greet" },
    attempt: 1,
    results: [],
    timeLeft: undefined,
    traceparent: "",
    tracestate: "",
  };
  const bytes = DriverStreamResponse.encode({ kind: { $case: "reconcile", value: { ...empty, ...more } } });
  return DriverStreamResponse.decode(bytes.finish()).kind!.value as Reconcile;
}

type Do = DriverOptions<any, any>["reconcile"];

/** Carries a task out, and gives its report and what is in its log. */
async function work(
  reconcile: Do,
  offer = offerOf("{}"),
  options: Partial<DriverOptions<any, any>> = {},
  signal = new AbortController().signal,
): Promise<[Report, string]> {
  const log = new TestLog();
  const driver = new Driver({ name: "tester", reconcile, ...options });
  const report = await carryOut(driver, offer, log.logger, signal, Date.now());
  return [report, log.text().join("\n")];
}

class Clumsy extends Error {
  override get message(): string {
    throw new Error("no text");
  }
}

const hostile = {
  [Symbol.for("nodejs.util.inspect.custom")]() {
    throw new Error("no form");
  },
};

const THROWN: [string, Do, string | RegExp, RegExp][] = [
  ["an error", () => Promise.reject(new Error("tripped")), "tripped", /Error: tripped\n.*work\.test/],
  [
    "an error before any wait",
    () => {
      throw new RangeError("tripped");
    },
    "tripped",
    /RangeError: tripped\n.*work\.test/,
  ],
  [
    "an error with a cause",
    () => Promise.reject(new Error("no disk", { cause: new Error("EIO") })),
    "no disk",
    /\[cause\]: Error: EIO/,
  ],
  ["an error without words", () => Promise.reject(new TypeError()), "TypeError", /TypeError/],
  ["a text", () => Promise.reject("no such file"), "no such file", /no such file/],
  ["nothing", () => Promise.reject(), "undefined", /undefined/],
  ["an object", () => Promise.reject({ code: 3 }), "{ code: 3 }", /code: 3/],
  [
    "an object that has no text",
    () => Promise.reject(Object.create(null)),
    /null prototype/,
    /null prototype/,
  ],
  ["an error that throws", () => Promise.reject(new Clumsy()), /no words/, /./],
  ["an object that throws", () => Promise.reject(hostile), /no words/, /no words/],
];

for (const [what, reconcile, message, trace] of THROWN) {
  test(`work that throws ${what} fails with a trace`, async () => {
    const [report, log] = await work(reconcile);
    assert.equal(report.success, false);
    assert.match(report.message, message instanceof RegExp ? message : new RegExp(`^${message}$`));
    assert.match(log, /"level":"error"/);
    assert.match(log, trace);
  });
}

for (const given of ["done", true, {}, { success: "yes" }]) {
  test(`work that gives ${JSON.stringify(given)} fails`, async () => {
    const [report, log] = await work(() => given as any);
    assert.equal(report.success, false);
    assert.equal(report.message, "what the reconcile function gave is no result");
    assert.match(log, /no result/);
  });
}

test("nothing is success without words", async () => {
  assert.deepEqual(await work(() => {}), [{ success: true, message: "", data: "" }, ""]);
});

test("data travels as JSON, and its exact text where that is given", () => {
  const data = (result: object) => reportOf({ ...success("kept"), ...result }).data;
  assert.equal(data({}), "");
  assert.equal(data({ data: null }), "null");
  assert.equal(data({ data: { b: 2.5, a: "ä<" } }), '{"b":2.5,"a":"ä<"}');
  assert.equal(
    data({ dataJson: '{"b": 2.50, "id": 9007199254740993}' }),
    '{"b": 2.50, "id": 9007199254740993}',
  );
  // Half a character has no form in UTF-8.
  assert.equal(data({ data: ["a\ud83db"] }), '["a\ufffdb"]');
});

test("data that is no JSON makes a failure", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const result of [{ data: circle }, { data: 1n }, { dataJson: "{" }, { data: 1, dataJson: "1" }]) {
    const report = reportOf({ ...success("odd"), ...result });
    assert.equal(report.success, false);
    assert.match(report.message, /^the result's data is no JSON: .*; the work said: odd$/s);
    assert.equal(report.data, "");
  }
});

test("results are brought within the limits", () => {
  assert.deepEqual(within(reportOf(success("much", "x".repeat(256 << 10))), limitsOf()), {
    success: false,
    message: "the result's data has 262146 bytes, and 262144 are allowed; the work said: much",
    data: "",
  });
  assert.equal(within(reportOf(failure("ä".repeat(9_000))), limitsOf()).message, "ä".repeat(8 << 10));
});

test("the spec and the params are read into the user's types", async () => {
  let seen: Task<{ size: bigint }, string[]> | undefined;
  const step = { ...Step.decode(NOTHING), id: "greet", paramsJson: '["fast"]' };
  const [report] = await work(
    (task) => {
      seen = task as typeof seen;
    },
    offerOf('{"size": 3}', { step }),
    {
      parse: (spec) => ({ size: BigInt((spec as { size: number }).size) }),
      parseParams: (params) => (params as string[]).map((word) => word.toUpperCase()),
    },
  );
  assert.ok(report.success);
  assert.deepEqual(seen!.spec, { size: 3n });
  assert.deepEqual(seen!.params, ["FAST"]);
  assert.equal(seen!.step.paramsJson, '["fast"]');
});

test("a spec that does not fit is a failure that names it", async () => {
  const parse = () => {
    throw new TypeError("no greetings");
  };
  const [report, log] = await work(() => {}, offerOf("{}"), { parse });
  assert.equal(report.message, "the spec of ada: no greetings");
  assert.match(log, /TypeError: no greetings\n.*work\.test/);
});

test("numbers that a double cannot hold are in the text, and in a value that is read by a better reader", async () => {
  const json = '{"id": 9007199254740993, "price": 2.50}';
  const results = [{ ...StepResult.decode(NOTHING), step: "pay", success: true, dataJson: json }];
  const step = { ...Step.decode(NOTHING), id: "greet", paramsJson: json };
  const offer = offerOf(json, { results, step });
  const seen: Task<any, any>[] = [];
  const look = (task: Task<any, any>) => {
    seen.push(task);
  };
  await work(look, offer);
  assert.equal(seen[0]!.spec.id, 9007199254740992);
  assert.equal(seen[0]!.resource.specJson, json);
  assert.equal(seen[0]!.step.paramsJson, json);
  assert.equal(seen[0]!.results[0]!.dataJson, json);
  // A reader that keeps the digits, as lossless-json does.
  const parseJson = (text: string) => JSON.parse(text.replace(/(?<=: )[\d.]+/g, '"$&"'));
  await work(look, offer, { parseJson });
  for (const value of [seen[1]!.spec, seen[1]!.params, seen[1]!.results[0]!.data]) {
    assert.deepEqual(value, { id: "9007199254740993", price: "2.50" });
  }
});

test("a wait that the signal ended is a failure with the reason", async () => {
  const { setTimeout } = await import("node:timers/promises");
  const cancel = new AbortController();
  const why = new Cancellation("DEADLINE", 1_000, new Date());
  const [report] = await work(
    async ({ signal }) => {
      queueMicrotask(() => cancel.abort(why));
      await setTimeout(60_000, undefined, { signal });
    },
    offerOf("{}"),
    {},
    cancel.signal,
  );
  assert.equal(report.message, "the step's time is over");
});
