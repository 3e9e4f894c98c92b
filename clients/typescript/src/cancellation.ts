// How a task learns that it is to stop, and why.

import type { Reason } from "./thread/ledger.js";
import { WHY } from "./thread/words.js";

/** Why a task is to stop, and by when: the reason of its signal. */
export class Cancellation extends Error {
  override readonly name = "Cancellation";

  constructor(
    /** CANCELLED and DEADLINE: a result within the grace is kept. FENCED: nothing that it still says is. */
    readonly why: Reason,
    /** How many milliseconds it had from the moment of the cancel. */
    readonly grace: number,
    /** When the grace is over. The runtime then reports the task as failed. */
    readonly stopBy: Date,
  ) {
    super(WHY[why]);
  }
}

/** Why the signal of a task was aborted. Undefined: it is not. */
export function cancellation(signal: AbortSignal): Cancellation | undefined {
  return signal.reason instanceof Cancellation ? signal.reason : undefined;
}
