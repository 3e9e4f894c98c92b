// What a reconcile function is given.

import type { Driver } from "./driver.js";
import type { Reconcile } from "./gen/conveyor/v1/driver_service.js";
import type { Pipeline } from "./gen/conveyor/v1/pipeline_service.js";
import type { Resource as WireResource } from "./gen/conveyor/v1/resource_service.js";
import type { Logger } from "./logger.js";
import { millis } from "./thread/ledger.js";

/** A named object of one definition. */
export interface Resource {
  /** The name of its definition, which is its type. */
  definition: string;
  /** Unique among the resources of the definition. */
  name: string;
  /** The pipeline that carries out its events. Empty: every driver that listens. */
  pipeline: string;
  /** Key-value pairs. The server adds some of its own. */
  metadata: Record<string, string>;
  /** What the drivers are to do, as the JSON text that its user wrote. */
  specJson: string;
  /** The server's: a UUID, and the count of the writes, from 1. */
  id: string;
  revision: number;
}

/** The result of an earlier step. */
export interface EarlierResult {
  step: string;
  driver: string;
  success: boolean;
  message: string;
  /** Undefined: none. */
  data: unknown;
  /** The same as the JSON text that its driver gave. Empty: none. */
  dataJson: string;
}

/** One step to carry out, with everything that is known about it. */
export interface Task<Spec = unknown, Params = unknown> {
  /** This offer of the step, a UUID. */
  id: string;
  /** The run, a UUID. */
  runId: string;
  /** Counts the attempts at the step, from 1. */
  attempt: number;
  /** The name of the driver that was asked. */
  driver: string;
  /** What happened: create, update, process or delete. */
  event: string;
  /** What caused the run: create, update or delete. */
  cause: string;
  /** The resource as it was when the run was written. */
  resource: Resource;
  /** Its spec. */
  spec: Spec;
  /** The pipeline as it was. Undefined without one. */
  pipeline: Pipeline | undefined;
  /** The step, and its params as the JSON text that their user wrote; empty: none. */
  step: { id: string; name: string; paramsJson: string };
  /** What the driver is told beside the resource. Undefined: nothing. */
  params: Params;
  /** Those of earlier steps, in their order. */
  results: EarlierResult[];
  /** When the time of the attempt is over; the server then cancels it. Undefined: as much as it needs. */
  deadline: Date | undefined;
  /** Its place in a trace, as W3C's headers have it. Empty: the run belongs to no trace. */
  traceparent: string;
  tracestate: string;
  /** Where it logs. */
  log: Logger;
  /** Aborted when the work is to stop; its reason is a Cancellation. */
  signal: AbortSignal;
}

export function resourceOf(wire: WireResource | undefined): Resource {
  return {
    definition: wire?.resource ?? "",
    name: wire?.name ?? "",
    pipeline: wire?.pipeline ?? "",
    metadata: wire?.metadata ?? {},
    specJson: wire?.specJson ?? "",
    id: wire?.id ?? "",
    revision: wire?.revision ?? 0,
  };
}

/** Reads the user's JSON into the user's type, and names it where it does not fit. */
function read<T>(
  what: string,
  json: string,
  parseJson: (text: string) => unknown = JSON.parse,
  parse?: (value: unknown) => T,
): T {
  try {
    const value = json === "" ? undefined : parseJson(json);
    return parse === undefined ? (value as T) : parse(value);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** What an offer that came at `now` says. Throws where the user's types do not fit. */
export function taskOf<Spec, Params>(
  { name, options }: Driver<Spec, Params>,
  offer: Reconcile,
  log: Logger,
  signal: AbortSignal,
  now: number,
): Task<Spec, Params> {
  const { parseJson, parse, parseParams } = options;
  const left = millis(offer.timeLeft);
  const resource = resourceOf(offer.resource);
  const { id = "", name: title = "", paramsJson = "" } = offer.step ?? {};
  return {
    id: offer.taskId,
    runId: offer.runId,
    attempt: offer.attempt,
    driver: name,
    event: offer.event,
    cause: offer.cause,
    resource,
    spec: read(`the spec of ${resource.name}`, resource.specJson, parseJson, parse),
    pipeline: offer.pipeline,
    step: { id, name: title, paramsJson },
    params: read(`the params of step ${id}`, paramsJson, parseJson, parseParams),
    results: offer.results.map((result) => ({
      ...result,
      data: read(`the data of step ${result.step}`, result.dataJson, parseJson),
    })),
    deadline: left === undefined ? undefined : new Date(now + left),
    traceparent: offer.traceparent,
    tracestate: offer.tracestate,
    log,
    signal,
  };
}
