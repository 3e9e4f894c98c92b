// What a driver says of itself, and the function that does its work.

import type { Message } from "./gen/conveyor/v1/driver_service.js";
import type { Result } from "./result.js";
import type { Task } from "./task.js";
import type { Settings } from "./thread/words.js";

/** Does the work of one task. */
export type Reconcile<Spec = any, Params = unknown> = (
  task: Task<Spec, Params>,
) => Promise<Result | void> | Result | void;

/** What a driver is made of. */
export interface DriverOptions<Spec, Params> {
  /** Letters, digits and "-", 1 to 63 long. Pipelines name it. */
  name: string;
  /**
   * Those whose resources without a pipeline it wants to hear of. A driver without any gets the steps of
   * pipelines that name it.
   */
  definitions?: string[];
  /** create, update, delete. None, or "*", means all but delete. */
  events?: string[];
  /** How many tasks it takes at once, 1 (the default) to 1,000. */
  slots?: number;
  /** What it says of itself, 32 at most. Steps may ask for an instance that has them. */
  labels?: Record<string, string>;
  /**
   * Does the work of one task. What it throws is a failed result, with its trace in the log; nothing is
   * success. When `task.signal` is aborted the work is to stop.
   */
  reconcile: Reconcile<Spec, Params>;
  /**
   * Reads JSON text, instead of JSON.parse, whose numbers are doubles: 9007199254740993 ends in 2, and 2.50 is 2.5.
   * Numbers that must stay as they were written need another reader, such as the parse of lossless-json.
   */
  parseJson?: (text: string) => unknown;
  /** Reads a spec into a type of yours, such as zod's `Person.parse`. Without it the spec is trusted. */
  parse?: (spec: unknown) => Spec;
  /** The same for the params of a step. */
  parseParams?: (params: unknown) => Params;
  /** Called with each message that is broadcast to all drivers. */
  onMessage?: (message: Message) => void;
  /**
   * Stops the work when the server was not heard for a whole lease, so that no other instance works on
   * the same step meanwhile. Else a driver that is cut off works on.
   */
  stopAtLeaseEnd?: boolean;
  /**
   * How many bytes of a task's log lines are kept in memory until the server has stored them; 256 KiB at
   * least. The default is 8 MiB, or less with many slots: 64 MiB for all.
   */
  logMemory?: number;
  /**
   * How many bytes of a task's log lines go to a temporary file where its memory is full; 0: no file. The
   * default is 1 GiB for all slots.
   */
  logSpill?: number;
}

/** A driver: its name, what it listens to, and its reconcile function. */
export class Driver<Spec = any, Params = unknown> {
  /** Throws a TypeError where it cannot be. The server checks the rest. */
  constructor(readonly options: DriverOptions<Spec, Params>) {
    const { name, slots = 1, reconcile, definitions = [], events = [], labels = {} } = options;
    if (!/^[A-Za-z0-9-]{1,63}$/.test(name)) {
      throw new TypeError(`the driver's name "${name}" is not 1 to 63 letters, digits and "-"`);
    }
    if (typeof reconcile !== "function") {
      throw new TypeError(`the driver ${name} has no reconcile function`);
    }
    if (!Number.isInteger(slots) || slots < 1 || slots > 1000) {
      throw new TypeError(`the driver ${name} has ${slots} slots, and 1 to 1,000 are allowed`);
    }
    if (![definitions, events].every(Array.isArray)) {
      throw new TypeError(`the definitions and events of the driver ${name} are to be lists`);
    }
    if (![...definitions, ...events, ...Object.values(labels)].every((word) => typeof word === "string")) {
      throw new TypeError(`a definition, event or label of the driver ${name} is no text`);
    }
  }

  get name(): string {
    return this.options.name;
  }

  /** @internal */
  settings(server: string): Settings {
    const { name, definitions = [], events = [], labels = {}, slots = 1, ...rest } = this.options;
    return {
      server,
      name,
      definitions,
      events,
      labels,
      slots,
      stopAtLeaseEnd: rest.stopAtLeaseEnd ?? false,
      logMemory: rest.logMemory ?? Math.min(8 << 20, Math.floor((64 << 20) / slots)),
      logSpill: rest.logSpill ?? Math.floor((1 << 30) / slots),
    };
  }
}
