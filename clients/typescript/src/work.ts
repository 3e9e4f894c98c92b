// Carries out one task: calls the reconcile function, and makes a report of whatever comes of it.

import { cancellation } from "./cancellation.js";
import type { Driver } from "./driver.js";
import type { Reconcile } from "./gen/conveyor/v1/driver_service.js";
import type { Logger } from "./logger.js";
import { failure, type Report, reportOf, success } from "./result.js";
import { read, taskOf } from "./task.js";

/** Does the work. What is thrown is a failed result with the trace in the log. */
export async function carryOut(
  driver: Driver,
  offer: Reconcile,
  log: Logger,
  signal: AbortSignal,
  at: number,
): Promise<Report> {
  const { parse, parseParams } = driver.options;
  try {
    const task = taskOf(driver.name, offer, log, signal, at);
    const spec = read(`the spec of ${task.resource.name}`, task.resource.specJson, parse);
    const params = read(`the params of step ${task.step.id}`, offer.step?.paramsJson ?? "", parseParams);
    return reportOf((await driver.options.reconcile({ ...task, spec, params })) || success());
  } catch (error) {
    log.error(error instanceof Error ? (error.stack ?? String(error)) : String(error));
    // Waits that the signal ended say only that they were aborted.
    const aborted = error instanceof Error && error.name === "AbortError";
    const cause = aborted ? (cancellation(signal) ?? error) : error;
    return reportOf(failure(cause instanceof Error ? cause.message : String(cause)));
  }
}
