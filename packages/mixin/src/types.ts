/** Rules as TypeScript: what becomes PrometheusRule resources. Field names are those of a rule file. */
export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  interval?: string;
  rules: Rule[];
}

/** One PrometheusRule resource. */
export interface RuleSet {
  /** Name of the resource. */
  name: string;
  groups: RuleGroup[];
}
