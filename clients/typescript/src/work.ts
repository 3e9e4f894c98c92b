// Carries out one task: calls the reconcile function, and makes a report of whatever comes of it.

import { inspect } from "node:util";
import { cancellation } from "./cancellation.js";
import type { Driver } from "./driver.js";
import type { Reconcile } from "./gen/conveyor/v1/driver_service.js";
import type { Logger } from "./logger.js";
import { failure, type Report, reportOf, success } from "./result.js";
import { taskOf } from "./task.js";

/** Does the work. What is thrown is a failed result with the trace in the log. */
export async function carryOut(
  driver: Driver,
  offer: Reconcile,
  log: Logger,
  signal: AbortSignal,
  at: number,
): Promise<Report> {
  try {
    const task = taskOf(driver, offer, log, signal, at);
    return reportOf((await driver.options.reconcile(task)) ?? success());
  } catch (error) {
    log.error(words(error, inspect));
    // Waits that the signal ended say only that they were aborted.
    const aborted = error instanceof Error && error.name === "AbortError";
    const cause = aborted ? (cancellation(signal) ?? error) : error;
    return reportOf(failure(words(cause, message)));
  }
}

function message(thrown: unknown): string {
  if (thrown instanceof Error) {
    return String(thrown.message || thrown.name);
  }
  return typeof thrown === "string" ? thrown : inspect(thrown);
}

/** What was thrown, in words. It may be anything, and throw itself when it is asked. */
function words(thrown: unknown, say: (thrown: unknown) => string): string {
  try {
    return say(thrown);
  } catch {
    return "something was thrown that has no words";
  }
}
