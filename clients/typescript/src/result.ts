// What a reconcile function gives back, and how it is brought within the server's limits.

import { clip } from "./split.js";
import type { Limits } from "./thread/limits.js";

/** How a task ended. */
export interface Result {
  /** Whether the work succeeded. A failed result is final: the step is not tried again. */
  success: boolean;
  /** What to tell people. Over 16 KiB it is cut. */
  message?: string;
  /** For later steps: anything with a JSON form. Over 256 KiB the result becomes a failed one. */
  data?: unknown;
  /** The data as JSON text, instead of `data`: every digit of it is kept. */
  dataJson?: string;
}

/** A result of work that succeeded. */
export function success(message = "", data?: unknown): Result {
  return { success: true, message, data };
}

/** A result of work that failed. */
export function failure(message: string, data?: unknown): Result {
  return { success: false, message, data };
}

/** A result in the form that the server takes, its data as JSON text. */
export interface Report {
  success: boolean;
  message: string;
  data: string;
}

/** Throws a TypeError where a program without types gave something else than a result. */
export function reportOf(result: Result): Report {
  if (typeof result !== "object" || typeof result.success !== "boolean") {
    throw new TypeError("what the reconcile function gave is no result");
  }
  const message = String(result.message ?? "");
  try {
    return { success: result.success, message, data: jsonOf(result) };
  } catch (error) {
    const text = `the result's data is no JSON: ${error}; the work said: ${message}`;
    return { success: false, message: text, data: "" };
  }
}

function jsonOf({ data, dataJson }: Result): string {
  if (dataJson !== undefined) {
    if (data !== undefined) {
      throw new TypeError("there is both data and dataJson");
    }
    JSON.parse(dataJson);
    return dataJson;
  }
  return JSON.stringify(data, wellFormed) ?? "";
}

/** Half a character, as JavaScript has them, is in no JSON that others read. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === "string" ? Buffer.from(value).toString() : value;
}

/** Cuts a long message; data that the server would not take makes the result a failed one. */
export function within(report: Report, limits: Limits): Report {
  const bytes = Buffer.byteLength(report.data);
  const fits = bytes <= limits.dataBytes;
  const text = fits
    ? report.message
    : `the result's data has ${bytes} bytes, and ${limits.dataBytes} are allowed; the work said: ${report.message}`;
  return {
    success: fits && report.success,
    message: clip(text, limits.messageBytes),
    data: fits ? report.data : "",
  };
}
