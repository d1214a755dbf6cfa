/** PrometheusRules of a Prometheus or Thanos Ruler: selected, checked one by one, as rule files. */
import type { UserError } from "@pharos/model";
import type { PlanContext } from "./plan.ts";
import { type RuleDialect, ruleFileName } from "./prometheus/rules.ts";
import { rejection } from "./report.ts";
import type { PrometheusRule, Resource } from "./resources/types.ts";
import { select, selectorPair } from "./selection.ts";
import { ruleFile } from "./validate.ts";

export interface SelectedRules {
  files: Map<string, string>;
  accepted: number;
  rejected: number;
}

type Checked = { text: string; error?: undefined } | { error: UserError };

/** Rule files already made, by object and dialect: parsing thousands of expressions again would take seconds. */
const made = new WeakMap<PrometheusRule, Map<string, Checked>>();

function ruleFileOf(rule: PrometheusRule, dialect: RuleDialect): Checked {
  const key = JSON.stringify(dialect);
  let known = made.get(rule);
  if (!known) {
    known = new Map();
    made.set(rule, known);
  }
  let file = known.get(key);
  if (!file) {
    file = ruleFile(rule, dialect);
    known.set(key, file);
  }
  return file;
}

export function selectRules(
  owner: Resource<object>,
  dialect: RuleDialect,
  { cache, report }: PlanContext,
): SelectedRules {
  const { namespace = "", name = "" } = owner.metadata;
  const instance = `${owner.kind} ${namespace}/${name}`;
  const out: SelectedRules = { files: new Map(), accepted: 0, rejected: 0 };
  const pair = selectorPair(owner.spec, "rule");
  for (const rule of cache.list<PrometheusRule>("PrometheusRule")) {
    const { selected, reason } = select(rule, namespace, pair, (ns) => cache.namespaceLabels(ns));
    if (!selected) {
      report.verdict(rule, { instance, accepted: false, code: "operator.not-selected", reason });
      continue;
    }
    const file = ruleFileOf(rule, dialect);
    if (file.error) {
      out.rejected++;
      report.verdict(rule, rejection(instance, file.error));
      continue;
    }
    out.accepted++;
    out.files.set(ruleFileName(rule), file.text);
    report.verdict(rule, { instance, accepted: true, code: "operator.accepted", reason: "" });
  }
  return out;
}
