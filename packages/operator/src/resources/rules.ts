/** PrometheusRule. */
import type { Resource } from "./common.ts";

export interface Rule {
  record?: string;
  alert?: string;
  expr: string | number;
  for?: string;
  keep_firing_for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  interval?: string;
  query_offset?: string;
  limit?: number;
  labels?: Record<string, string>;
  partial_response_strategy?: string;
  rules?: Rule[];
}

export interface PrometheusRuleSpec {
  groups?: RuleGroup[];
}

export type PrometheusRule = Resource<PrometheusRuleSpec>;
