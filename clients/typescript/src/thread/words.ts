// What the thread of the work and the thread of the stream say to each other.

import type { Message, Reconcile } from "../gen/conveyor/v1/driver_service.js";
import type { Report } from "../result.js";
import type { Reason } from "./ledger.js";

/** What the thread is started with. */
export interface Settings {
  server: string;
  name: string;
  definitions: string[];
  events: string[];
  labels: Record<string, string>;
  slots: number;
  stopAtLeaseEnd: boolean;
  logMemory: number;
  logSpill: number;
}

export type ToThread =
  | { say: "wake"; taskId: string }
  | { say: "report"; taskId: string; report: Report }
  | { say: "drain" }
  | { say: "abort" };

export type FromThread =
  | { say: "start"; offer: Reconcile; ring: SharedArrayBuffer; lineBytes: number; at: number }
  | { say: "stop"; taskId: string; reason: Reason; grace: number; stopBy: number }
  | { say: "room"; taskId: string }
  | { say: "message"; message: Message }
  | { say: "log"; text: string }
  | { say: "end"; refused?: { code: number; text: string } };

/** What each reason means, in words. */
export const WHY: Record<Reason, string> = {
  CANCELLED: "the run was cancelled",
  DEADLINE: "the step's time is over",
  FENCED: "another instance has the step, or nobody needs it",
};
