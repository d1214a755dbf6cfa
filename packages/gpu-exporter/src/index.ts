export * from "./exporter.ts";
export * from "./flags.ts";
export { findNvml } from "./nvml/find.ts";
