import { general } from "./rules/general.ts";
import { node } from "./rules/node.ts";
import { prometheus } from "./rules/prometheus.ts";
import type { RuleSet } from "./types.ts";

export type { Rule, RuleGroup, RuleSet } from "./types.ts";

/** The rules that come out of the box, one PrometheusRule resource each. */
export const ruleSets: readonly RuleSet[] = [general, prometheus, node];

/** Folder of the dashboards that come out of the box. */
export const dashboardsFolder: string = `${import.meta.dirname}/dashboards`;
