export * from "./files/atomic.ts";
export * from "./flags/flags.ts";
export * from "./http/metrics.ts";
export * from "./http/server.ts";
export * from "./log/logger.ts";
export * from "./metrics/process.ts";
export * from "./metrics/registry.ts";
export * from "./yaml/node.ts";
