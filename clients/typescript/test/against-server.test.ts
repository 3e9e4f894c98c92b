// Drivers of this runtime against the real server, also with either side killed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  Client,
  cancellation,
  Driver,
  type DriverOptions,
  Manager,
  type ManagerOptions,
  RefusedError,
  success,
} from "@open-ug/conveyor";
import { type LogEntry, type Run, RunState, StepState } from "@open-ug/conveyor/api";
import { WebSocket } from "ws";
import { counter } from "./counter.js";
import { SOON, soon, until } from "./patience.js";
import { killed, noServer, program, Server } from "./server.js";

const options = { skip: noServer, timeout: 2 * SOON };

function connect(t: TestContext, server: Server): Client {
  const client = new Client(server.url);
  t.after(() => client.close());
  return client;
}

/** Runs drivers until the end of the test, and gives their manager, and what drains it. */
function running(t: TestContext, server: string, drivers: Driver | Driver[], options: ManagerOptions = {}) {
  const manager = new Manager(server, drivers, { log: () => {}, ...options });
  const ended = manager.run();
  ended.catch(() => {});
  const drain = () => {
    manager.stop();
    return soon("the manager drains", ended);
  };
  t.after(() => {
    manager.abort();
    return ended.catch(() => {});
  });
  return { manager, ended, drain };
}

/** A driver of the definition count. */
function driver(name: string, reconcile: DriverOptions<any, unknown>["reconcile"], more = {}): Driver {
  return new Driver({ name, definitions: ["count"], reconcile, ...more });
}

/** Creates a resource of the definition count and gives its run. */
async function count(client: Client, name: string, lines: number): Promise<string> {
  await client.define("count", { type: "object" });
  return (await client.create({ definition: "count", name, spec: { lines } })).runId;
}

async function read(client: Client, runId: string, follow = true): Promise<LogEntry[]> {
  const lines = [];
  for await (const line of client.tail(runId, { follow, signal: AbortSignal.timeout(2 * SOON) })) {
    lines.push(line);
  }
  return lines;
}

async function ending(client: Client, runId: string): Promise<Run> {
  await read(client, runId);
  return client.runs.getRun({ id: runId });
}

/** Waits until so many lines of a run are on disk. */
async function untilStored(client: Client, runId: string, lines: number): Promise<void> {
  await until("more lines are stored", async () => (await read(client, runId, false)).length >= lines);
}

/** Waits until the server knows that the first step is at work. Work may begin before. */
async function untilAcked(client: Client, runId: string): Promise<void> {
  await until("the ack", async () => {
    const { steps } = await client.runs.getRun({ id: runId });
    return steps[0]?.state === StepState.RUNNING;
  });
}

function expectNumbered(lines: LogEntry[], count: number): void {
  const expected = Array.from({ length: count }, (_, number) => `line ${number}`);
  assert.deepEqual(
    lines.map((line) => line.message),
    expected,
  );
}

test("the tutorial's driver is read by websocket", options, async (t) => {
  const source = readFileSync(new URL("../../examples/greeter.ts", import.meta.url), "utf8");
  assert.ok(source.split("\n").length <= 41);
  const server = await Server.start(t);
  const greeter = program(t, "examples/greeter.js", [], { CONVEYOR_SERVER: server.url });
  const greetings = { type: "array", items: { type: "string" } };
  const schema = { type: "object", required: ["greetings"], properties: { greetings } };
  await server.post("/resource-definitions", { name: "person", schema });
  const ada = { name: "ada", resource: "person", spec: { greetings: ["Hello", "Good day"] } };
  const { runid } = await server.post<{ runid: string }>("/resources/", ada);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/drivers/streams/logs/greeter/${runid}`);
  t.after(() => socket.terminate());
  const lines: string[] = [];
  socket.on("message", (frame) => lines.push(JSON.parse(String(frame))[1]));
  await soon("the socket closes", once(socket, "close"));
  assert.deepEqual(lines, ["Hello, ada", "Good day, ada"]);
  const run = await connect(t, server).runs.getRun({ id: runid });
  assert.equal(run.state, RunState.SUCCEEDED);
  assert.equal(run.steps[0]!.dataJson, '{"greetings":2}');
  const exit = once(greeter, "exit");
  greeter.kill("SIGTERM");
  assert.deepEqual(await soon("the driver drains", exit), [0, null]);
});

test("a server killed in mid-run loses and doubles nothing", options, async (t) => {
  const server = await Server.start(t);
  const { drain } = running(t, server.url, counter(5));
  const client = connect(t, server);
  const total = 40_000;
  const runId = await count(client, "long", total);
  const follower = read(client, runId);
  for (let kills = 1; kills <= 3; kills += 1) {
    await untilStored(client, runId, kills * 3_000);
    await server.kill();
    // Long enough for more lines than a window, while nobody takes them.
    await setTimeout(200);
    await server.start();
  }
  expectNumbered(await follower, total);
  expectNumbered(await read(client, runId), total);
  const run = await client.runs.getRun({ id: runId });
  assert.equal(run.state, RunState.SUCCEEDED);
  assert.equal(run.steps[0]!.attempts.length, 1);
  await drain();
});

test("a driver and a server killed in mid-run are followed by others", options, async (t) => {
  const server = await Server.start(t, { DRIVER_LEASE_TIME: "2s", DRIVER_HEARTBEAT_PERIOD: "500ms" });
  const first = program(t, "test/counter.js", [server.url]);
  const client = connect(t, server);
  const total = 20_000;
  const runId = await count(client, "long", total);
  await untilStored(client, runId, 2_000);
  await killed(first);
  await server.kill();
  await server.start();
  running(t, server.url, counter(0));
  const lines = await read(client, runId);
  const attempt = (number: number) => lines.filter((line) => line.attempt === number);
  const [before, after] = [attempt(1), attempt(2)];
  assert.equal(before.length + after.length, lines.length);
  assert.ok(before.length >= 2_000);
  expectNumbered(before, before.length);
  expectNumbered(after, total);
});

test("a driver killed in mid-run is followed by another", options, async (t) => {
  const server = await Server.start(t, { DRIVER_LEASE_TIME: "1s", DRIVER_HEARTBEAT_PERIOD: "300ms" });
  const first = program(t, "test/counter.js", [server.url]);
  const client = connect(t, server);
  const runId = await count(client, "long", 20_000);
  await untilStored(client, runId, 1_000);
  running(t, server.url, counter(0));
  await killed(first);
  const run = await ending(client, runId);
  assert.equal(run.state, RunState.SUCCEEDED);
  assert.equal(run.steps[0]!.attempts.length, 2);
  const lines = await read(client, runId);
  expectNumbered(
    lines.filter((line) => line.attempt === 2),
    20_000,
  );
});

test("work that blocks its event loop does not lose its task", options, async (t) => {
  const server = await Server.start(t, { DRIVER_LEASE_TIME: "1500ms", DRIVER_HEARTBEAT_PERIOD: "500ms" });
  const busy = driver("busy", () => {
    for (const end = performance.now() + 3_000; performance.now() < end; ) {}
  });
  running(t, server.url, busy);
  const client = connect(t, server);
  const run = await ending(client, await count(client, "busy", 0));
  assert.equal(run.state, RunState.SUCCEEDED);
  assert.equal(run.steps[0]!.attempts.length, 1);
});

test("a cancelled run tells its driver why", options, async (t) => {
  const server = await Server.start(t);
  const patient = driver("patient", async ({ log, signal }) => {
    signal.addEventListener("abort", () => log.info(`stops: ${cancellation(signal)?.why}`));
    await setTimeout(2 * SOON, undefined, { signal });
  });
  running(t, server.url, patient);
  const client = connect(t, server);
  const runId = await count(client, "slow", 0);
  await untilAcked(client, runId);
  await client.runs.cancelRun({ id: runId });
  const run = await ending(client, runId);
  assert.equal(run.state, RunState.CANCELLED);
  assert.equal(run.steps[0]!.message, "the run was cancelled");
  assert.equal((await read(client, runId))[0]!.message, "stops: CANCELLED");
});

test("work that throws is a failed run, and the driver goes on", options, async (t) => {
  const server = await Server.start(t);
  const clumsy = driver("clumsy", async ({ spec }) => {
    if (spec.lines === 1) {
      throw new Error("tripped");
    }
  });
  running(t, server.url, clumsy);
  const client = connect(t, server);
  const first = await count(client, "first", 1);
  const run = await ending(client, first);
  assert.equal(run.state, RunState.FAILED);
  assert.equal(run.steps[0]!.message, "tripped");
  assert.match(
    (await read(client, first)).map((line) => line.message).join("\n"),
    /tripped\n.*against-server/,
  );
  assert.equal((await ending(client, await count(client, "second", 2))).state, RunState.SUCCEEDED);
});

test("numbers keep their digits from a spec to a driver and to later steps", options, async (t) => {
  const server = await Server.start(t);
  const json = '{"id":9007199254740993,"price":2.50}';
  const first = driver("first", ({ resource }) => ({ success: true, dataJson: resource.specJson }));
  const said: string[] = [];
  const second = driver("second", ({ resource, results }) => {
    said.push(resource.specJson, results[0]!.dataJson);
  });
  running(t, server.url, [first, second]);
  const client = connect(t, server);
  await client.define("count", { type: "object" });
  const steps = ["first", "second"].map((driver) => ({ id: driver, driver }));
  await client.pipelines.createPipeline({ pipeline: { name: "two", resource: "count", steps } });
  const { runId } = await client.create({
    definition: "count",
    name: "one",
    pipeline: "two",
    specJson: json,
  });
  const run = await ending(client, runId);
  assert.equal(run.state, RunState.SUCCEEDED, JSON.stringify(run));
  assert.deepEqual(said, [json, json]);
});

test("the client creates, applies, gets and deletes", options, async (t) => {
  const client = connect(t, await Server.start(t));
  await count(client, "one", 1);
  const one = await client.get("count", "one");
  assert.equal(one.specJson, '{"lines":1}');
  assert.equal(one.revision, 1);
  assert.notEqual(one.id, "");
  const same = await client.apply(one);
  assert.equal(same.runId, "");
  assert.equal(same.resource.revision, 1);
  const other = await client.apply({ ...one, specJson: '{"lines": 2.50}' });
  assert.notEqual(other.runId, "");
  assert.equal(other.resource.revision, 2);
  assert.equal(other.resource.specJson, '{"lines":2.50}');
  // What was read may be written again with another spec.
  const third = await client.apply({ ...other.resource, spec: { lines: 3 } });
  assert.equal(third.resource.specJson, '{"lines":3}');
  assert.notEqual(await client.delete("count", "one"), "");
  await assert.rejects(client.get("count", "one"), /NOT_FOUND/);
});

test("a tail goes on where it was told, and stops when it is told", options, async (t) => {
  const server = await Server.start(t);
  running(t, server.url, counter(0));
  const client = connect(t, server);
  const runId = await count(client, "some", 10);
  const all = await read(client, runId);
  const some = [];
  for await (const line of client.tail(runId, { after: all[5]!.seq, driver: "counter", follow: false })) {
    some.push(line.message);
  }
  assert.deepEqual(some, ["line 6", "line 7", "line 8", "line 9"]);
  const endless = await count(client, "endless", 1_000_000);
  const cancel = new AbortController();
  await assert.rejects(
    async () => {
      for await (const line of client.tail(endless, { signal: cancel.signal })) {
        assert.equal(line.message, `line ${line.seq - 1}`);
        cancel.abort();
      }
    },
    { name: "AbortError" },
  );
  await client.runs.cancelRun({ id: endless });
});

test("a manager without a server ends when it is stopped", { timeout: SOON }, async (t) => {
  const said: string[] = [];
  const lonely = driver("lonely", () => {});
  const { drain } = running(t, "http://127.0.0.1:1", lonely, { log: (text) => said.push(text) });
  await until("it tries", () => said.length > 1);
  await drain();
  assert.match(said[0]!, /^driver lonely: the stream ended: .*ECONNREFUSED/);
});

test("a refused driver ends the manager and drains the others", options, async (t) => {
  const server = await Server.start(t);
  const refused = new Driver({ name: "refused", definitions: ["no such name!"], reconcile() {} });
  const { ended } = running(t, server.url, [driver("fine", () => {}), refused]);
  await assert.rejects(soon("the manager ends", ended), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.equal(error.driver, "refused");
    assert.match(error.message, /no such name!.*INVALID_ARGUMENT/);
    return true;
  });
});

for (const how of ["drainTimeout", "abort"]) {
  test(`${how} gives back the task in hand`, options, async (t) => {
    const server = await Server.start(t);
    const why: unknown[] = [];
    const slow = driver("slow", async ({ signal }) => {
      await setTimeout(2 * SOON, undefined, { signal }).catch(() => why.push(cancellation(signal)?.why));
      return success("in vain");
    });
    const { manager, drain, ended } = running(t, server.url, slow, { drainTimeout: 100 });
    const client = connect(t, server);
    const runId = await count(client, "slow", 0);
    await untilAcked(client, runId);
    if (how === "abort") {
      manager.abort();
      await soon("the manager ends", ended);
    } else {
      await drain();
    }
    assert.deepEqual(why, ["FENCED"]);
    assert.equal((await client.runs.getRun({ id: runId })).steps[0]!.state, StepState.PENDING);
  });
}

test("work that outstays its grace keeps its slot until it returns", options, async (t) => {
  const server = await Server.start(t, { DRIVER_CANCEL_GRACE: "300ms" });
  let begun = 0;
  let letGo = () => {};
  const end = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const deaf = driver("deaf", async () => {
    begun += 1;
    await end;
    return success("late");
  });
  running(t, server.url, deaf);
  const client = connect(t, server);
  const first = await count(client, "first", 0);
  await untilAcked(client, first);
  await client.runs.cancelRun({ id: first });
  assert.equal((await ending(client, first)).state, RunState.CANCELLED);
  const second = await count(client, "second", 0);
  await setTimeout(300);
  assert.equal(begun, 1);
  letGo();
  assert.equal((await ending(client, second)).state, RunState.SUCCEEDED);
  assert.equal(begun, 2);
});

test("data that only the server finds to be no JSON fails the run, and says so", options, async (t) => {
  const server = await Server.start(t);
  running(
    t,
    server.url,
    driver("half", () => ({ success: true, dataJson: '"\\ud83d"' })),
  );
  const client = connect(t, server);
  const run = await ending(client, await count(client, "one", 0));
  assert.equal(run.state, RunState.FAILED);
  assert.match(run.steps[0]!.message, /data/);
});
