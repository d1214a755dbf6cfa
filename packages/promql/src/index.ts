export * from "./engine/index.ts";
export * from "./histogram/index.ts";
export * from "./parser/index.ts";
export * from "./promqltest/index.ts";
export * from "./workers/index.ts";
