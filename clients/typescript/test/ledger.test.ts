// The ledger without a network. A server that forgets, repeats and breaks off: each line arrives once and in
// order, and the result after the last of them. Many tasks at once: of each step one piece of work at most.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelReason,
  type DriverStreamRequest,
  type DriverStreamResponse,
  type HeldTask,
  LogAckStatus,
  type Reconcile,
  ResultOutcome,
  TaskVerdict,
  Welcome,
} from "../src/gen/conveyor/v1/driver_service.js";
import { encodeHead, encodeLine } from "../src/record.js";
import { reportOf, success } from "../src/result.js";
import { newRing, RingReader, RingWriter } from "../src/ring.js";
import { Lease } from "../src/thread/lease.js";
import { Ledger, type Reason } from "../src/thread/ledger.js";
import { Lines } from "../src/thread/lines.js";
import { chance } from "./chance.js";
import { decoded } from "./task-log.js";

const HEAD = encodeHead("stdout", {});
const DONE = reportOf(success());

type Answer = DriverStreamResponse["kind"];
type Kind = NonNullable<DriverStreamRequest["kind"]>["$case"];

/** The ledger and what it asks of the world around it. */
class World {
  readonly ledger: Ledger;
  /** The rooms that were made for lines and not given back. */
  readonly rooms = new Map<string, RingWriter>();
  /** What works. */
  readonly working = new Map<string, Reconcile>();
  readonly started: string[] = [];
  readonly stopped: [string, Reason][] = [];
  /** What the work has said and the ledger has not read. */
  readonly unread: (() => void)[] = [];

  constructor(slots: number) {
    this.ledger = new Ledger(slots, {
      lines: (taskId) => this.room(taskId),
      changed: () => {},
      start: (offer) => {
        this.started.push(offer.taskId);
        this.working.set(offer.taskId, offer);
      },
      stop: (taskId, reason) => this.stopped.push([taskId, reason]),
      never: (taskId) => this.rooms.delete(taskId),
      catchUp: () => this.hear(),
    });
    this.ledger.welcome(welcomeOf([]), 0);
  }

  private room(taskId: string): Lines {
    const ring = newRing(1 << 16);
    const reader = new RingReader(ring);
    const nothing = () => {};
    const lines = new Lines(reader, 1 << 20, 0, nothing, nothing);
    this.rooms.set(taskId, new RingWriter(ring, () => lines.pump()));
    return lines;
  }

  /** The work ends. The ledger hears of it later. */
  end(taskId: string): void {
    this.working.delete(taskId);
    this.unread.push(() => {
      this.rooms.delete(taskId);
      this.ledger.report(taskId, DONE);
      this.ledger.stopped(taskId);
    });
  }

  hear(): void {
    for (const word of this.unread.splice(0)) {
      word();
    }
  }

  write(taskId: string, text: string): void {
    this.rooms.get(taskId)!.put(encodeLine(HEAD, text));
  }

  /** The next message, which is to be of a kind. */
  next<K extends Kind>(kind: K) {
    const next = this.ledger.nextMessage(0);
    assert.ok(next !== undefined && "message" in next && next.message.kind?.$case === kind);
    return next.message.kind.value as Extract<
      NonNullable<DriverStreamRequest["kind"]>,
      { $case: K }
    >["value"];
  }

  receive(answer: Answer): void {
    this.ledger.receive(answer, 0);
  }
}

function welcomeOf(tasks: Welcome["tasks"]): Welcome {
  const none = Welcome.decode(new Uint8Array());
  // Small batches make many of them.
  return { ...none, limits: { ...LIMITS, logBatchLines: 3 }, tasks };
}

const LIMITS = {
  messageBytes: 0,
  logBatchBytes: 0,
  logBatchLines: 0,
  logLineBytes: 0,
  resultDataBytes: 0,
  resultMessageBytes: 0,
};

function offer(taskId: string, token: number, stepId: string): Answer {
  const step = {
    id: stepId,
    name: "",
    driver: "",
    paramsJson: "",
    labels: {},
    params: undefined,
    timeout: undefined,
  };
  const value = { taskId, token, runId: "run", step } as unknown as Reconcile;
  return { $case: "reconcile", value };
}

/** The server's side of one task. */
class Server {
  received: string[] = [];
  stored = 0;
  applied = false;
  answers: Answer[] = [];

  constructor(private readonly world: World) {}

  /** Takes the next message, if there is one. */
  take(now: number): void {
    const next = this.world.ledger.nextMessage(now);
    if (next === undefined) {
      return;
    }
    if ("log" in next) {
      const known = this.received.length - next.log.firstLine;
      if (known < 0) {
        this.ack();
      } else {
        const messages = decoded(next.log.parts).map((line) => line.message);
        assert.equal(messages.length, next.log.count);
        this.received.push(...messages.slice(known));
      }
      return;
    }
    const kind = next.message.kind;
    if (kind?.$case === "result") {
      this.result(kind.value.lines);
    } else {
      assert.ok(kind?.$case === "ack" && !kind.value.refused, `${kind?.$case} is not due`);
    }
  }

  /** Stores what was received, and says so. */
  sync(): void {
    this.stored = this.received.length;
    this.ack();
  }

  /** Loses what it has not stored. */
  forget(): void {
    this.received.length = this.stored;
  }

  answer(now: number): void {
    const answer = this.answers.shift();
    if (answer !== undefined) {
      this.world.ledger.receive(answer, now);
    }
  }

  /** A new stream. */
  welcome(tasks: HeldTask[], now: number): void {
    this.forget();
    this.answers = [];
    const verdict = this.applied ? TaskVerdict.DONE : TaskVerdict.GO_ON;
    const fate = { verdict, nextLine: this.stored, reason: CancelReason.UNSPECIFIED, grace: undefined };
    this.world.ledger.welcome(welcomeOf(tasks.map(({ taskId, token }) => ({ taskId, token, ...fate }))), now);
  }

  private result(lines: number): void {
    let outcome: ResultOutcome = ResultOutcome.LINES_MISSING;
    if (this.received.length === lines) {
      this.stored = lines;
      this.applied = true;
      outcome = ResultOutcome.APPLIED;
    }
    this.answers.push({
      $case: "resultAck",
      value: { taskId: "task", token: 7, outcome, next: this.stored },
    });
  }

  private ack(): void {
    const status = LogAckStatus.STORED;
    this.answers.push({ $case: "logAck", value: { taskId: "task", token: 7, next: this.stored, status } });
  }
}

test("every line arrives once and the result after them", () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const below = chance(seed);
    const world = new World(1);
    const server = new Server(world);
    const written: string[] = [];
    let now = 0;
    const write = () => {
      for (let count = below(20); count >= 0; count -= 1) {
        written.push(`line ${written.length}`);
        world.write("task", written.at(-1)!);
      }
    };
    const acts = [
      write,
      () => server.take(now),
      () => server.take(now),
      () => server.sync(),
      () => server.answer(now),
      () => server.forget(),
      () => server.welcome(world.ledger.inHello(), now),
    ];
    world.receive(offer("task", 7, "step"));
    for (let steps = below(200); steps > 0; steps -= 1) {
      acts[below(acts.length)]!();
    }
    world.end("task");
    world.hear();
    for (let left = 20_000; world.ledger.inHello().length > 0; left -= 1) {
      assert.ok(left > 0, `seed ${seed}: the task is never settled`);
      server.take(now);
      server.sync();
      server.answer(now);
      now += 1_000;
    }
    assert.deepEqual(server.received, written, `seed ${seed}`);
    assert.ok(server.applied, `seed ${seed}`);
    assert.equal(world.rooms.size, 0, `seed ${seed}`);
  }
});

/** A server that offers, cancels, answers and breaks off as chance has it. */
function chaos(world: World, below: (below: number) => number) {
  const offered: { taskId: string; token: number }[] = [];
  /** How many acks are to come. */
  let due = 0;
  const pick = <T>(from: T[]) => from[below(from.length)];
  const send = () => {
    const next = world.ledger.nextMessage(0);
    if (next !== undefined && "message" in next && next.message.kind?.$case === "ack") {
      due -= 1;
    }
    return next !== undefined;
  };
  const make = () => {
    const token = offered.length + 1;
    offered.push({ taskId: `task ${token}`, token });
    world.receive(offer(`task ${token}`, token, `step ${below(4)}`));
    due += 1;
  };
  const end = () => {
    const taskId = pick([...world.working.keys()]);
    if (taskId !== undefined) {
      world.end(taskId);
    }
  };
  const cancel = () => {
    const task = pick(offered);
    const reason = pick([CancelReason.CANCELLED, CancelReason.DEADLINE, CancelReason.FENCED])!;
    if (task !== undefined) {
      world.receive({ $case: "cancel", value: { ...task, reason, grace: undefined } });
    }
  };
  const answer = () => {
    const task = pick(world.ledger.inHello().filter((held) => held.resultWaits));
    const outcome = pick([ResultOutcome.APPLIED, ResultOutcome.FENCED])!;
    if (task !== undefined) {
      const { taskId, token } = task;
      world.receive({ $case: "resultAck", value: { taskId, token, outcome, next: 0 } });
    }
  };
  const again = () => {
    // Acks that were not sent on the old stream are not due on the new one.
    due = 0;
    const said = { nextLine: 0, reason: CancelReason.CANCELLED, grace: undefined };
    const fates = world.ledger.inHello().map(({ taskId, token }) => ({
      taskId,
      token,
      verdict: pick([TaskVerdict.GO_ON, TaskVerdict.CANCEL, TaskVerdict.STOP])!,
      ...said,
    }));
    world.ledger.welcome(welcomeOf(fates), 0);
  };
  const seldom = () => below(10) === 0 && again();
  const acts = [make, make, end, () => world.hear(), cancel, answer, send, seldom];
  return { act: () => pick(acts)!(), send, due: () => due };
}

test("of each step one piece of work runs, within the slots, and nothing is left behind", () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const below = chance(seed);
    const slots = 1 + below(3);
    const world = new World(slots);
    const server = chaos(world, below);
    for (let count = 0; count < 300; count += 1) {
      server.act();
      const steps = [...world.working.values()].map((offer) => offer.step!.id);
      assert.equal(new Set(steps).size, steps.length, `seed ${seed}: two work on one step`);
      assert.ok(steps.length <= slots, `seed ${seed}: ${steps.length} work on ${slots} slots`);
      assert.equal(new Set(world.started).size, world.started.length, `seed ${seed}: started twice`);
    }
    while (server.send()) {}
    assert.equal(server.due(), 0, `seed ${seed}: each offer is acked once`);
    world.ledger.fenceAll(0);
    for (const taskId of [...world.working.keys()]) {
      world.end(taskId);
    }
    world.hear();
    assert.ok(world.ledger.isIdle, `seed ${seed}`);
    assert.deepEqual([...world.rooms.keys()], [], `seed ${seed}: rooms are left`);
  }
});

test("an offer that comes twice is acked again and started once", () => {
  const world = new World(4);
  world.receive(offer("t", 1, "a"));
  world.receive(offer("t", 1, "a"));
  assert.equal(world.next("ack").refused, false);
  assert.equal(world.next("ack").refused, false);
  assert.deepEqual(world.started, ["t"]);
});

test("an offer beyond the slots is refused", () => {
  const world = new World(1);
  world.receive(offer("t", 1, "a"));
  world.receive(offer("u", 2, "b"));
  assert.equal(world.next("ack").refused, false);
  assert.deepEqual(
    { ...world.next("ack") },
    { taskId: "u", token: 2, refused: true, reason: "the driver has no free slot" },
  );
});

test("what the work said last is heard before an offer is judged", () => {
  const world = new World(1);
  world.receive(offer("t", 1, "a"));
  world.receive({
    $case: "cancel",
    value: { taskId: "t", token: 1, reason: CancelReason.FENCED, grace: undefined },
  });
  world.end("t");
  world.receive(offer("u", 2, "b"));
  assert.equal(world.next("ack").refused, false);
  assert.equal(world.next("ack").refused, false);
  assert.deepEqual(world.started, ["t", "u"]);
});

test("a new offer of a step waits for the old work to stop", () => {
  const world = new World(1);
  world.receive(offer("old", 1, "a"));
  world.receive(offer("new", 2, "a"));
  assert.equal(world.next("ack").refused, false);
  assert.equal(world.next("ack").refused, false);
  assert.deepEqual(world.stopped, [["old", "FENCED"]]);
  assert.deepEqual(world.started, ["old"]);
  world.end("old");
  world.hear();
  assert.deepEqual(world.started, ["old", "new"]);
  // An older token than the one in hand is nothing to work on.
  world.receive(offer("older", 1, "a"));
  assert.equal(world.next("ack").refused, true);
});

test("a task that is cancelled while it waits never starts", () => {
  const world = new World(1);
  world.receive(offer("old", 1, "a"));
  world.receive(offer("new", 2, "a"));
  world.receive({
    $case: "cancel",
    value: { taskId: "new", token: 2, reason: CancelReason.CANCELLED, grace: undefined },
  });
  world.end("old");
  world.hear();
  assert.deepEqual(world.started, ["old"]);
  assert.equal(world.rooms.size, 0);
  world.next("ack");
  world.next("ack");
  const result = world.next("result");
  assert.equal(result.success, false);
  assert.equal(result.message, "cancelled before the work began");
});

test("a lease is reckoned from the last answered heartbeat", () => {
  const lease = new Lease();
  assert.equal(lease.isOver(1e9), false);
  lease.welcomed(3_000, 0);
  lease.beat(1_000);
  lease.beat(2_000);
  lease.answered();
  assert.equal(lease.isOver(3_999), false);
  assert.equal(lease.isOver(4_000), true);
});

test("heartbeats without an answer do not pile up", () => {
  const lease = new Lease();
  lease.welcomed(0, 0);
  for (let now = 0; now < 1_000; now += 1) {
    lease.beat(now);
  }
  for (let count = 0; count < 20; count += 1) {
    lease.answered();
  }
  // The ones that are too many are forgotten, and the default lease holds.
  assert.equal(lease.isOver(30_000), false);
  assert.equal(lease.isOver(30_007), true);
});
