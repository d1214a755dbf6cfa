export { makeDashboards, type ProvidedDashboard } from "./dashboards/index.ts";
export * from "./detect.ts";
export { CONDITIONAL_METRICS, EXTERNAL_METRICS } from "./external-metrics.ts";
export * from "./manifests.ts";
export * from "./params.ts";
export { makeRuleSets, ruleSets } from "./rules/index.ts";
export type { Rule, RuleGroup, RuleSet } from "./types.ts";
