// One driver instance: keeps a stream open, and the tasks in hand while there is none.

import { randomUUID } from "node:crypto";
import { MESSAGE_BYTES, target, VERSION } from "../channel.js";
import type { Hello, Reconcile } from "../gen/conveyor/v1/driver_service.js";
import { failure, type Report, reportOf } from "../result.js";
import { newRing, RingReader } from "../ring.js";
import { Backoff } from "./backoff.js";
import { Ledger, type Reason } from "./ledger.js";
import { Lines } from "./lines.js";
import { type Ending, Stream } from "./stream.js";
import { type FromThread, type Settings, WHY } from "./words.js";

/** How long work has to stop when the driver is told to end at once. */
const ABORT_GRACE = 2_000;
/** How long work of a replaced instance, or at the end of a lease, has to stop. */
const STOP_GRACE = 10_000;
/** How often the end of the lease is looked for. */
const LEASE_TICK = 250;
/** A ring takes at least the longest line with all its labels. */
const LEAST_RING = 256 << 10;
const LINE_LABELS = 64 << 10;

/** What a task has that is at work, or waits for its turn. */
interface Work {
  lines: Lines;
  ring: SharedArrayBuffer;
  reason?: Reason;
  stopBy?: number;
  timer?: NodeJS.Timeout;
}

export class Session {
  private readonly ledger: Ledger;
  private readonly work = new Map<string, Work>();
  private stream: Stream | undefined;
  private scheduled = false;
  private wakeUp: () => void = () => {};
  private aborted = false;

  constructor(
    private readonly settings: Settings,
    private readonly tell: (word: FromThread) => void,
    catchUp: () => void,
  ) {
    this.ledger = new Ledger(settings.slots, {
      lines: (taskId) => this.lines(taskId),
      changed: () => this.changed(),
      start: (offer) => this.start(offer),
      stop: (taskId, reason, grace) => this.stop(taskId, reason, grace),
      never: (taskId) => this.work.delete(taskId),
      catchUp,
    });
  }

  /** Serves until drained, aborted, or refused by the server. */
  async run(): Promise<void> {
    const lease = setInterval(() => this.watchLease(), LEASE_TICK);
    const ending = await this.serve();
    this.ledger.drain();
    this.ledger.fenceAll(STOP_GRACE);
    await this.settled();
    clearInterval(lease);
    this.tell(ending.how === "refused" ? { say: "end", refused: ending } : { say: "end" });
  }

  drain(): void {
    this.ledger.drain();
  }

  abort(): void {
    this.aborted = true;
    this.ledger.drain();
    this.ledger.fenceAll(ABORT_GRACE);
    for (const taskId of this.work.keys()) {
      this.stop(taskId, "FENCED", ABORT_GRACE);
    }
    this.wakeUp();
  }

  /** The work of a task has written lines, or waits to. */
  wake(taskId: string): void {
    this.work.get(taskId)?.lines.pump();
  }

  /** The work of a task has ended. */
  report(taskId: string, report: Report): void {
    this.ledger.report(taskId, report);
    clearTimeout(this.work.get(taskId)?.timer);
    this.work.delete(taskId);
    this.ledger.stopped(taskId);
  }

  private async serve(): Promise<Ending> {
    let instance = randomUUID();
    const wait = new Backoff();
    for (let number = 1; ; number += 1) {
      const openedAt = performance.now();
      let welcomedAt: number | undefined;
      const stream = new Stream(target(this.settings.server), this.hello(instance, number), this.ledger, {
        welcomed: (welcome) => {
          this.say(`connected to ${this.settings.server}`);
          welcomedAt = performance.now();
          this.ledger.welcome(welcome, openedAt);
        },
        message: (message) => this.tell({ say: "message", message }),
        say: (text) => this.say(text),
      });
      this.stream = stream;
      this.changed();
      const ending = await stream.ended;
      this.stream = undefined;
      if (ending.how === "drained" || ending.how === "refused") {
        return ending;
      }
      if (ending.how === "replaced") {
        this.ledger.fenceAll(STOP_GRACE);
        instance = randomUUID();
      }
      const stood = welcomedAt === undefined ? undefined : performance.now() - welcomedAt;
      const delay = wait.after(stood, stream.period);
      this.say(`${ending.text}; trying again in ${Math.round(delay)} ms`);
      if (await this.wakes(delay, () => this.ledger.isDrained)) {
        return { how: "drained" };
      }
    }
  }

  private hello(instanceId: string, streamNumber: number): Hello {
    const { name, definitions, events, labels, slots } = this.settings;
    return {
      driver: name,
      instanceId,
      streamNumber,
      definitions,
      events: events.length > 0 ? events : ["*"],
      labels,
      slots,
      maxMessageBytes: MESSAGE_BYTES,
      sdkName: "conveyor-typescript",
      sdkVersion: VERSION,
      tasks: this.ledger.inHello(),
    };
  }

  private lines(taskId: string): Lines {
    const { logMemory, logSpill } = this.settings;
    let size = LEAST_RING;
    while (size < this.ledger.limits.lineBytes + LINE_LABELS) {
      size *= 2;
    }
    const ring = newRing(size);
    const room = () => this.tell({ say: "room", taskId });
    const lines = new Lines(new RingReader(ring), logMemory - size, logSpill, () => this.changed(), room);
    this.work.set(taskId, { lines, ring });
    return lines;
  }

  private start(offer: Reconcile): void {
    const work = this.work.get(offer.taskId)!;
    const lineBytes = this.ledger.limits.lineBytes;
    this.tell({ say: "start", offer, ring: work.ring, lineBytes, at: Date.now() });
  }

  /**
   * Tells the work to stop. A later word changes the reason only when it is FENCED, which outranks the
   * others, and never gives more time. Work that outstays its grace is reported as failed, and keeps its
   * slot until it returns.
   */
  private stop(taskId: string, reason: Reason, grace: number): void {
    const work = this.work.get(taskId);
    if (work === undefined || (work.reason !== undefined && reason !== "FENCED")) {
      return;
    }
    work.reason = reason;
    work.stopBy = Math.min(Date.now() + grace, work.stopBy ?? Number.POSITIVE_INFINITY);
    this.tell({ say: "stop", taskId, reason, grace, stopBy: work.stopBy });
    work.timer ??= setTimeout(() => {
      const text = `${WHY[reason]}; the work did not stop within ${grace} ms`;
      this.ledger.report(taskId, reportOf(failure(text)));
    }, grace);
  }

  private watchLease(): void {
    if (this.settings.stopAtLeaseEnd && this.ledger.lease.isOver(performance.now())) {
      this.ledger.fenceAll(STOP_GRACE);
    }
  }

  /** Lets work that nobody waits for any more stop within its grace. */
  private async settled(): Promise<void> {
    const idle = () => this.ledger.isIdle;
    const end = performance.now() + STOP_GRACE + ABORT_GRACE;
    while (!idle() && performance.now() < end) {
      await this.wakes(this.aborted ? 2 * ABORT_GRACE : end - performance.now(), () => idle());
      if (this.aborted && !idle()) {
        break;
      }
    }
    if (!idle()) {
      this.say("leaves work that does not stop");
    }
  }

  /** Waits, and says whether something held meanwhile. */
  private wakes(delay: number, holds: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wakeUp = () => {};
        resolve(holds());
      };
      const timer = setTimeout(done, delay);
      this.wakeUp = () => {
        if (holds()) {
          done();
        }
      };
      this.wakeUp();
    });
  }

  private changed(): void {
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.stream?.pump();
        this.wakeUp();
      });
    }
  }

  private say(text: string): void {
    this.tell({ say: "log", text });
  }
}
