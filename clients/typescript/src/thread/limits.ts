// What the server takes at most, as its Welcome says.

import type { Limits as Said } from "../gen/conveyor/v1/driver_service.js";

/** What a Log message needs besides its lines. */
const LOG_HEAD_BYTES = 256;

export interface Limits {
  batchBytes: number;
  batchLines: number;
  lineBytes: number;
  dataBytes: number;
  messageBytes: number;
}

/** Reads the limits of a Welcome. What it leaves out is the documented default. */
export function limitsOf(said?: Partial<Said>): Limits {
  return {
    batchBytes: Math.min(said?.logBatchBytes || 1 << 20, (said?.messageBytes || 8 << 20) - LOG_HEAD_BYTES),
    batchLines: said?.logBatchLines || 4096,
    lineBytes: said?.logLineBytes || 64 << 10,
    dataBytes: said?.resultDataBytes || 256 << 10,
    messageBytes: said?.resultMessageBytes || 16 << 10,
  };
}
