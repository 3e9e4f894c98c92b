// The generated messages and services of the API.

export type { ServerStreamingMethodResult } from "./gen/conveyor/v1/driver_service.js";
export * from "./gen/conveyor/v1/driver_service.js";
export * from "./gen/conveyor/v1/log_service.js";
export * from "./gen/conveyor/v1/pipeline_service.js";
export * from "./gen/conveyor/v1/resource_service.js";
export * from "./gen/conveyor/v1/run_service.js";
export * from "./gen/conveyor/v1/server_service.js";
