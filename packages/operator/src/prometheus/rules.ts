/**
 * PrometheusRule → a rule file `<namespace>-<name>-<uid>.yaml`: fields an older version does not know left out, and the
 * enforced namespace label put on every rule and into every selector, so that a tenant's rules see and make its own
 * series only.
 */
import { Matcher, UserError } from "@pharos/model";
import { formatExpr, parseExpr, walk } from "@pharos/promql";
import type { ExcludedObject } from "../resources/prometheus.ts";
import type { PrometheusRule, Rule, RuleGroup } from "../resources/rules.ts";
import { atLeast } from "../version.ts";
import { toYaml } from "./config.ts";

/** Who reads the file. */
export interface RuleDialect {
  version: string;
  /** Thanos Ruler instead of Prometheus. */
  thanos?: boolean;
  /** The label that holds the namespace, and who is excepted from it. */
  enforcement?: { label: string; excluded: readonly ExcludedObject[] };
}

/** Fields by the versions of Prometheus and Thanos that brought them. */
const GROUP_FIELDS: Record<string, readonly [prometheus: string, thanos: string]> = {
  limit: ["2.31.0", "0.24.0"],
  query_offset: ["2.53.0", "0.38.0"],
  labels: ["3.0.0", "0.39.0"],
};
const KEEP_FIRING = ["2.42.0", "0.34.0"] as const;

export function ruleFileName({ metadata }: PrometheusRule): string {
  return `${metadata.namespace}-${metadata.name}-${metadata.uid ?? "0"}.yaml`;
}

function isExcluded({ metadata }: PrometheusRule, excluded: readonly ExcludedObject[]): boolean {
  return excluded.some(
    (entry) =>
      entry.resource === "prometheusrules" &&
      entry.namespace === metadata.namespace &&
      (!entry.name || entry.name === metadata.name) &&
      (entry.group || "monitoring.coreos.com") === "monitoring.coreos.com",
  );
}

/** The expression with `label="value"` in every selector, in place of whatever it asked of that label. */
export function restrictExpression(text: string, label: string, value: string): string {
  const expr = parseExpr(text);
  walk(expr, (node) => {
    if (node.kind !== "vectorSelector") return true;
    node.matchers = [...node.matchers.filter(({ name }) => name !== label), new Matcher("=", label, value)];
    return true;
  });
  return formatExpr(expr);
}

function enforce(rule: Rule, label: string, namespace: string, place: string): Rule {
  try {
    const expr = restrictExpression(String(rule.expr), label, namespace);
    return { ...rule, expr, labels: { ...rule.labels, [label]: namespace } };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, error.message, { where: { field: place }, fix: error.fix, cause: error });
  }
}

function cleanRule(rule: Rule, keepFiring: boolean): Record<string, unknown> {
  const out: Record<string, unknown> = { ...rule, expr: String(rule.expr) };
  if (rule.for === "") delete out.for;
  if (!keepFiring || rule.keep_firing_for === "") delete out.keep_firing_for;
  return out;
}

export function ruleFileText(rule: PrometheusRule, { version, thanos = false, enforcement }: RuleDialect): string {
  const column = thanos ? 1 : 0;
  const keepFiring = atLeast(version, KEEP_FIRING[column]);
  const namespace = rule.metadata.namespace ?? "";
  const label = enforcement && !isExcluded(rule, enforcement.excluded) ? enforcement.label : undefined;
  const group = ({ partial_response_strategy: strategy, ...fields }: RuleGroup, index: number) => {
    const out: Record<string, unknown> = { ...fields };
    for (const [field, since] of Object.entries(GROUP_FIELDS)) if (!atLeast(version, since[column])) delete out[field];
    if (fields.interval === "") delete out.interval;
    if (thanos && strategy) out.partial_response_strategy = strategy;
    out.rules = (fields.rules ?? []).map((entry, i) => {
      const place = `spec.groups[${index}].rules[${i}].expr`;
      return cleanRule(label ? enforce(entry, label, namespace, place) : entry, keepFiring);
    });
    return out;
  };
  return toYaml({ groups: (rule.spec.groups ?? []).map(group) });
}
