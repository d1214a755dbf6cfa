/** All rules, by parameters. */
import { LOCAL, type MixinParams, type Settings, settingsOf } from "../params.ts";
import type { Rule, RuleSet } from "../types.ts";
import { alertmanager } from "./alertmanager.ts";
import { apiserver } from "./apiserver.ts";
import { coredns } from "./coredns.ts";
import { etcd } from "./etcd.ts";
import { general } from "./general.ts";
import { gpu } from "./gpu.ts";
import { kubeStateMetrics } from "./kube-state-metrics.ts";
import { kubernetesApps } from "./kubernetes-apps.ts";
import { kubernetesRecords } from "./kubernetes-records.ts";
import { kubernetesResources, kubernetesStorage } from "./kubernetes-resources.ts";
import { kubernetesSystem } from "./kubernetes-system.ts";
import { mesh } from "./mesh.ts";
import { node } from "./node.ts";
import { operator } from "./operator.ts";
import { prometheus } from "./prometheus.ts";

const SETS: readonly { make: (settings: Settings) => RuleSet; needs?: keyof Settings["components"] }[] = [
  { make: general },
  { make: prometheus },
  { make: alertmanager },
  { make: node },
  { make: operator, needs: "operator" },
  { make: kubeStateMetrics, needs: "kubernetes" },
  { make: kubernetesApps, needs: "kubernetes" },
  { make: kubernetesResources, needs: "kubernetes" },
  { make: kubernetesStorage, needs: "kubernetes" },
  { make: kubernetesSystem, needs: "kubernetes" },
  { make: kubernetesRecords, needs: "kubernetes" },
  { make: apiserver, needs: "apiserver" },
  { make: etcd, needs: "etcd" },
  { make: coredns, needs: "coredns" },
  { make: mesh, needs: "mesh" },
  { make: gpu, needs: "gpu" },
];

function dressed(rule: Rule, { alertLabels, runbookUrl }: Settings): Rule {
  if (rule.alert === undefined) return rule;
  return {
    ...rule,
    labels: { ...rule.labels, ...alertLabels },
    annotations: { ...rule.annotations, ...(runbookUrl ? { runbook_url: `${runbookUrl}${rule.alert}.md` } : {}) },
  };
}

/** The rules for a cluster with these parameters, one PrometheusRule resource each. The same parameters give the same rules. */
export function makeRuleSets(params: MixinParams = {}): RuleSet[] {
  const settings = settingsOf(params);
  return SETS.filter(({ needs }) => needs === undefined || settings.components[needs]).map(({ make }) => {
    const { name, groups } = make(settings);
    return {
      name,
      groups: groups.map((group) => ({ ...group, rules: group.rules.map((rule) => dressed(rule, settings)) })),
    };
  });
}

/** What one machine without a cluster gets. */
export const ruleSets: readonly RuleSet[] = makeRuleSets({ components: LOCAL });
