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

export interface AlertSpec {
  severity: "critical" | "warning" | "info" | "none";
  for?: string;
  expr: string;
  /** One line, the same for every series. */
  summary: string;
  /** What is the matter with this one; may use `$labels` and `$value`. */
  description: string;
  labels?: Record<string, string>;
}

export function alert(name: string, spec: AlertSpec): Rule {
  return {
    alert: name,
    expr: oneLine(spec.expr),
    ...(spec.for ? { for: spec.for } : {}),
    labels: { severity: spec.severity, ...spec.labels },
    annotations: { summary: spec.summary, description: oneLine(spec.description) },
  };
}

export function record(name: string, expr: string, labels?: Record<string, string>): Rule {
  return { record: name, expr: oneLine(expr), ...(labels ? { labels } : {}) };
}

/** Expressions are written over several lines, and read best on one in lists of rules. No string in them has two spaces. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/([([]) /g, "$1")
    .replace(/ ([)\]])/g, "$1");
}
