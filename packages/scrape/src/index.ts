export * from "./config.ts";
export * from "./manager.ts";
export type { DroppedTarget } from "./target.ts";
