// The rules of the protocol for the tasks of one driver instance, without I/O.
//
// The session hands in what arrives and asks what to send next; the work of each task reports its end
// here. The invariant: of each step at most one piece of work runs, whatever is offered.

import {
  type Ack,
  CancelReason,
  DriverStreamRequest,
  type DriverStreamResponse,
  type HeldTask,
  LogAckStatus,
  type Reconcile,
  ResultOutcome,
  type TaskFate,
  TaskVerdict,
  type Welcome,
} from "../gen/conveyor/v1/driver_service.js";
import type { Duration } from "../gen/google/protobuf/duration.js";
import { failure, type Report, reportOf, within } from "../result.js";
import { Held, type LogBatch, stepOf } from "./held.js";
import { Lease } from "./lease.js";
import { limitsOf } from "./limits.js";
import type { Lines } from "./lines.js";

const DEFAULT_GRACE = 10_000;
/** How many ended tasks are remembered, so that an old offer that comes again does not start anew. */
const REMEMBERED = 1024;
/** How many acks may wait to be sent before nothing more is read. */
const MAX_ACKS = 1024;

export type Reason = "CANCELLED" | "DEADLINE" | "FENCED";

/** What the ledger asks of the world around it. */
export interface Around {
  /** Makes the room for the lines of a task. */
  lines(taskId: string): Lines;
  /** There may be something to send, or nothing left. */
  changed(): void;
  /** The work of a task is to start. */
  start(offer: Reconcile): void;
  /** The work of a task is to stop. */
  stop(taskId: string, reason: Reason, grace: number): void;
  /** The work of a task, which has not started, never will. */
  never(taskId: string): void;
  /** Takes in what the work has said and was not read yet, before an offer is judged. */
  catchUp(): void;
}

/** What is to be sent: lines, which are encoded already, or another message. */
export type Outgoing = { log: LogBatch; taskId: string; token: number } | { message: DriverStreamRequest };

type Kind = NonNullable<DriverStreamRequest["kind"]>;

export class Ledger {
  limits = limitsOf();
  readonly lease = new Lease();
  /** The tasks in hand, in the order in which they came. */
  private held: Held[] = [];
  /** The task whose work runs, of each step. It may be fenced, and so no longer held. */
  private readonly working = new Map<string, string>();
  private readonly ended = new Set<string>();
  private acks: Ack[] = [];
  private heartbeatDue = false;
  private draining = false;
  private drainDue = false;
  private turn = 0;

  constructor(
    private readonly slots: number,
    private readonly around: Around,
  ) {}

  inHello(): HeldTask[] {
    return this.held.map((held) => held.inHello());
  }

  /** A new stream is open: takes the server's limits and its verdict on each task. */
  welcome(welcome: Welcome, helloAt: number): void {
    this.limits = limitsOf(welcome.limits);
    this.lease.welcomed(millis(welcome.leaseTime) ?? 0, helloAt);
    this.acks = [];
    this.heartbeatDue = false;
    this.drainDue = this.draining;
    for (const held of this.held) {
      held.startStream();
    }
    for (const fate of welcome.tasks) {
      this.decide(fate);
    }
    this.startNext();
  }

  /** Takes one message of the stream. A second Welcome says nothing; others concern the session. */
  receive(kind: DriverStreamResponse["kind"], now: number): void {
    switch (kind?.$case) {
      case "reconcile":
        this.offered(kind.value);
        break;
      case "cancel": {
        const held = this.find(kind.value.taskId, kind.value.token);
        if (held !== undefined) {
          this.stop(held, kind.value.reason, millis(kind.value.grace));
        }
        break;
      }
      case "logAck": {
        const held = this.find(kind.value.taskId, kind.value.token);
        if (held !== undefined && kind.value.status === LogAckStatus.STORED) {
          held.stored(kind.value.next, now);
        } else if (held !== undefined && kind.value.status === LogAckStatus.FENCED) {
          this.fence(held, DEFAULT_GRACE);
        }
        break;
      }
      case "resultAck": {
        const held = this.find(kind.value.taskId, kind.value.token);
        if (held !== undefined && kind.value.outcome === ResultOutcome.APPLIED) {
          this.forget(held);
        } else if (held !== undefined && kind.value.outcome === ResultOutcome.LINES_MISSING) {
          held.sendFrom(kind.value.next);
        } else if (held !== undefined && kind.value.outcome === ResultOutcome.FENCED) {
          this.fence(held, DEFAULT_GRACE);
        }
        break;
      }
      case "heartbeatAck":
        this.lease.answered();
        break;
    }
    this.startNext();
    this.around.changed();
  }

  /** Whether there is room for what a received message may leave behind. */
  canReceive(): boolean {
    return this.acks.length < MAX_ACKS;
  }

  /** The next message to send, the most urgent first. */
  nextMessage(now: number): Outgoing | undefined {
    if (this.heartbeatDue) {
      this.heartbeatDue = false;
      this.lease.beat(now);
      const tasks = this.held.map(({ taskId, token }) => ({ taskId, token }));
      return message({ $case: "heartbeat", value: { tasks } });
    }
    const ack = this.acks.shift();
    if (ack !== undefined) {
      return message({ $case: "ack", value: ack });
    }
    if (this.drainDue) {
      this.drainDue = false;
      return message({ $case: "drain", value: {} });
    }
    for (const held of this.held) {
      const result = held.nextResult(now);
      if (result !== undefined) {
        return message({ $case: "result", value: result });
      }
    }
    for (let tries = this.held.length; tries > 0; tries -= 1) {
      // Each task has its turn.
      this.turn = (this.turn + 1) % this.held.length;
      const held = this.held[this.turn]!;
      const log = held.nextLog(this.limits, now);
      if (log !== undefined) {
        return { log, taskId: held.taskId, token: held.token };
      }
    }
    return undefined;
  }

  beat(): void {
    this.heartbeatDue = true;
    this.around.changed();
  }

  /** Says how a task ended. Its work may still be stopping. */
  report(taskId: string, report: Report): void {
    const held = this.held.find((held) => held.taskId === taskId);
    if (held !== undefined && held.result === undefined) {
      held.finish(within(report, this.limits));
      this.around.changed();
    }
  }

  /** The work of a task has ended. */
  stopped(taskId: string): void {
    for (const [step, working] of this.working) {
      if (working === taskId) {
        this.working.delete(step);
      }
    }
    this.startNext();
    this.around.changed();
  }

  /** Takes no more offers. */
  drain(): void {
    if (!this.draining) {
      this.draining = true;
      this.drainDue = true;
      this.around.changed();
    }
  }

  /** Stops all work and drops what it said: the step is another's, or nobody's. */
  fenceAll(grace: number): void {
    for (const held of [...this.held]) {
      this.fence(held, grace);
    }
    this.around.changed();
  }

  /** Whether it drains and the server has every result. */
  get isDrained(): boolean {
    return this.draining && this.held.length === 0;
  }

  /** Whether no work runs. */
  get isIdle(): boolean {
    return this.working.size === 0;
  }

  /** Starts what can start: the old work on its step, if any, has stopped. */
  private startNext(): void {
    for (const held of this.held) {
      if (held.offer !== undefined && !this.working.has(held.step)) {
        this.working.set(held.step, held.taskId);
        const offer = held.offer;
        held.offer = undefined;
        this.around.start(offer);
      }
    }
  }

  private decide(fate: TaskFate): void {
    const held = this.find(fate.taskId, fate.token);
    if (held === undefined) {
      return;
    }
    // A verdict that this version does not know: the next heartbeat or ack settles it.
    switch (fate.verdict) {
      case TaskVerdict.GO_ON:
        held.sendFrom(fate.nextLine);
        break;
      case TaskVerdict.DONE:
        this.forget(held);
        break;
      case TaskVerdict.CANCEL:
        held.sendFrom(fate.nextLine);
        this.stop(held, fate.reason, millis(fate.grace));
        break;
      case TaskVerdict.STOP:
        this.fence(held, DEFAULT_GRACE);
        break;
    }
  }

  private offered(offer: Reconcile): void {
    this.around.catchUp();
    const known = this.find(offer.taskId, offer.token) !== undefined || this.ended.has(offer.taskId);
    const reason = known ? "" : this.refusal(offer);
    this.acks.push({ taskId: offer.taskId, token: offer.token, refused: reason !== "", reason });
    if (!known && reason === "") {
      // The new token makes every older one of the step a dead one.
      for (const held of this.held.filter((held) => held.step === stepOf(offer))) {
        this.fence(held, DEFAULT_GRACE);
      }
      this.held.push(new Held(offer, this.around.lines(offer.taskId)));
    }
  }

  private refusal(offer: Reconcile): string {
    if (this.draining) {
      return "the driver is draining";
    }
    const step = stepOf(offer);
    if (this.held.some((held) => held.step === step && held.token > offer.token)) {
      return "the driver has a newer offer of this step";
    }
    // Work counts while it runs, be it fenced; and so does what waits to start.
    const waiting = this.held.filter((held) => held.offer !== undefined && !this.working.has(held.step));
    const full = !this.working.has(step) && this.working.size + waiting.length >= this.slots;
    return full || this.held.length >= 2 * this.slots ? "the driver has no free slot" : "";
  }

  /** Tells a task to stop. One that has not started never will. */
  private stop(held: Held, reason: CancelReason, grace = DEFAULT_GRACE): void {
    if (reason === CancelReason.FENCED) {
      this.fence(held, grace);
      return;
    }
    if (held.offer === undefined) {
      this.around.stop(held.taskId, reason === CancelReason.DEADLINE ? "DEADLINE" : "CANCELLED", grace);
    } else {
      held.finish(reportOf(failure("cancelled before the work began")));
      this.around.never(held.taskId);
    }
  }

  /** The token is dead: stops the work and drops its lines and its result. */
  private fence(held: Held, grace: number): void {
    if (held.offer === undefined) {
      this.around.stop(held.taskId, "FENCED", grace);
    } else {
      this.around.never(held.taskId);
    }
    this.forget(held);
  }

  /** Holds the task no longer. Its work may still be stopping. */
  private forget(held: Held): void {
    this.held = this.held.filter((other) => other !== held);
    held.lines.discard();
    this.ended.add(held.taskId);
    for (const oldest of this.ended) {
      if (this.ended.size <= REMEMBERED) {
        break;
      }
      this.ended.delete(oldest);
    }
    this.around.changed();
  }

  private find(taskId: string, token: number): Held | undefined {
    return this.held.find((held) => held.taskId === taskId && held.token === token);
  }
}

function message(kind: Kind): Outgoing {
  return { message: { kind } };
}

/** A duration of the wire. */
export function millis(duration: Duration | undefined): number | undefined {
  return duration && duration.seconds * 1000 + duration.nanos / 1e6;
}
