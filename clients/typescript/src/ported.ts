// The words of Conveyor CI's SDKs, so that a driver written for one needs an edit or two.
// docs/porting-a-driver.md shows which.

import { Driver, type Reconcile } from "./driver.js";
import type { Logger } from "./logger.js";
import { Manager } from "./manager.js";
import type { Result } from "./result.js";
import type { Resource } from "./task.js";

/** A Result. */
export type DriverResult = Result;

/** A Logger. */
export type DriverLogger = Logger;

/** A manager of one driver that listens to these events, for the server that CONVEYOR_SERVER names. */
export class DriverManager extends Manager {
  constructor(driver: Driver, events: string[]) {
    super("", new Driver({ ...driver.options, events }));
  }
}

/**
 * Makes a reconcile function of one with the arguments of Conveyor CI's: the resource as JSON, the event, the
 * run's id, and the log.
 */
export function ported(
  reconcile: (
    payload: string,
    event: string,
    runId: string,
    logger: DriverLogger,
  ) => Promise<DriverResult | void> | DriverResult | void,
): Reconcile {
  return ({ resource, event, runId, log }) => reconcile(payload(resource), event, runId, log);
}

/** The resource in its documented form, its spec as it was written. */
function payload({ id, name, pipeline, definition, metadata, specJson }: Resource): string {
  const head = JSON.stringify({ id, name, pipeline: pipeline || undefined, resource: definition, metadata });
  return `${head.slice(0, -1)},"spec":${specJson || "{}"}}`;
}
