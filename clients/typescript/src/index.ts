// The client of Conveyor, and a runtime for drivers. The generated API is in "@open-ug/conveyor/api".

export { Cancellation, cancellation } from "./cancellation.js";
export { DEFAULT_SERVER, VERSION } from "./channel.js";
export { type Change, Client, type NewResource, type TailOptions, type WriteOptions } from "./client.js";
export { Driver, type DriverOptions, type Reconcile } from "./driver.js";
export { type Labels, Logger } from "./logger.js";
export { Manager, type ManagerOptions, RefusedError } from "./manager.js";
export { type DriverLogger, DriverManager, type DriverResult, ported } from "./ported.js";
export { failure, type Result, success } from "./result.js";
export { retried } from "./retry.js";
export type { EarlierResult, Resource, Task } from "./task.js";
