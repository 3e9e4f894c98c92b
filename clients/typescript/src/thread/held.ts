// One accepted task: what of its log and its result the server has, and what is to be sent next.
//
// Lines travel in batches, of which a few may be unanswered; the window makes a chatty task coalesce its
// lines while it waits. The result follows the last line.

import type { HeldTask, Reconcile, Result } from "../gen/conveyor/v1/driver_service.js";
import type { Report } from "../result.js";
import type { Limits } from "./limits.js";
import type { Batch, Lines } from "./lines.js";

/** How many batches of a task may be unanswered. */
const WINDOW = 4;
/** After this long without an answer, lines or a result are sent again on the same stream. */
const RESEND_AFTER = 30_000;

/** A batch and the number of its first line. */
export interface LogBatch extends Batch {
  firstLine: number;
}

/** Names a step across its offers. */
export function stepOf(offer: Reconcile): string {
  return `${offer.runId} ${offer.step?.id ?? ""}`;
}

export class Held {
  readonly taskId: string;
  readonly token: number;
  readonly step: string;
  /** What to start with, until the work has started. */
  offer: Reconcile | undefined;
  result: Result | undefined;
  // What was sent on the present stream: the next line, and where each unanswered batch ends.
  private next = 0;
  private batches: number[] = [];
  private movedAt = 0;
  private repeated: number | undefined;
  private resultAt: number | undefined;

  constructor(
    offer: Reconcile,
    readonly lines: Lines,
  ) {
    this.taskId = offer.taskId;
    this.token = offer.token;
    this.step = stepOf(offer);
    this.offer = offer;
  }

  inHello(): HeldTask {
    return {
      taskId: this.taskId,
      token: this.token,
      nextLine: this.lines.next,
      resultWaits: this.result !== undefined,
    };
  }

  /** A new stream begins: on it nothing was sent yet. */
  startStream(): void {
    this.next = this.lines.oldest;
    this.batches = [];
    this.repeated = undefined;
    this.resultAt = undefined;
  }

  /** The work has ended: no more lines, and a result to send. */
  finish(report: Report): void {
    this.offer = undefined;
    this.result = {
      taskId: this.taskId,
      token: this.token,
      success: report.success,
      message: report.message,
      data: undefined,
      dataJson: report.data,
      lines: this.lines.seal(),
    };
  }

  /**
   * Takes a LogAck: all lines before `next` are on disk. One that says nothing new while lines are under
   * way means that the server dropped a batch, so they are sent again from there, once.
   */
  stored(next: number, now: number): void {
    const news = next > this.lines.oldest;
    this.lines.free(next);
    while (this.batches.length > 0 && this.batches[0]! <= next) {
      this.batches.shift();
    }
    if (news) {
      this.next = Math.max(this.next, next);
      this.movedAt = now;
      this.repeated = undefined;
    } else if (this.batches.length > 0 && this.repeated !== next) {
      this.sendFrom(next);
      this.repeated = next;
    }
  }

  /** The server wants the lines from `next` on, and then the result. */
  sendFrom(next: number): void {
    this.lines.free(next);
    this.startStream();
  }

  /** The next batch of lines, when there are any and the window is open. */
  nextLog(limits: Limits, now: number): LogBatch | undefined {
    if (this.batches.length > 0 && now - this.movedAt >= RESEND_AFTER) {
      this.startStream();
    }
    if (this.batches.length >= WINDOW) {
      return undefined;
    }
    const batch = this.lines.batch(this.next, limits);
    if (batch.count === 0) {
      return undefined;
    }
    const firstLine = this.next;
    this.next += batch.count;
    this.batches.push(this.next);
    this.movedAt = now;
    return { ...batch, firstLine };
  }

  /** The result, when all lines were sent and it was not, or was long ago. */
  nextResult(now: number): Result | undefined {
    const sent = this.resultAt !== undefined && now - this.resultAt < RESEND_AFTER;
    if (this.result === undefined || this.next < this.result.lines || sent) {
      return undefined;
    }
    this.resultAt = now;
    return this.result;
  }
}
