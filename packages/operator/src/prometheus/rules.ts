/** PrometheusRule → a rule file `<namespace>-<name>-<uid>.yaml`, fields an older Prometheus does not know left out. */
import type { PrometheusRule } from "../resources/rules.ts";
import { atLeast } from "../version.ts";
import { toYaml } from "./config.ts";

export function ruleFileName({ metadata }: PrometheusRule): string {
  return `${metadata.namespace}-${metadata.name}-${metadata.uid ?? "0"}.yaml`;
}

export function ruleFileText(rule: PrometheusRule, version: string): string {
  const groups = (rule.spec.groups ?? []).map(({ partial_response_strategy: _thanosOnly, ...group }) => {
    const out: Record<string, unknown> = { ...group };
    if (!atLeast(version, "2.31.0")) delete out.limit;
    if (!atLeast(version, "2.53.0")) delete out.query_offset;
    if (!atLeast(version, "3.0.0")) delete out.labels;
    out.rules = (group.rules ?? []).map((entry) => {
      const copy: Record<string, unknown> = { ...entry, expr: String(entry.expr) };
      if (!atLeast(version, "2.42.0")) delete copy.keep_firing_for;
      return copy;
    });
    return out;
  });
  return toYaml({ groups });
}
