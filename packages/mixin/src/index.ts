export * from "./detect.ts";
export * from "./manifests.ts";
export * from "./params.ts";
export { makeRuleSets, ruleSets } from "./rules/index.ts";
export type { Rule, RuleGroup, RuleSet } from "./types.ts";

/** Folder of the dashboards that come out of the box. */
export const dashboardsFolder: string = `${import.meta.dirname}/dashboards`;
