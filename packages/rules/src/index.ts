export * from "./alerting-rule.ts";
export * from "./context.ts";
export * from "./group.ts";
export * from "./links.ts";
export * from "./manager.ts";
export { createRuleMetrics } from "./metrics.ts";
export * from "./recording-rule.ts";
export * from "./rule-file.ts";
export * from "./unit-test/index.ts";
