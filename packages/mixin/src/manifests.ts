/** The rules as resources of the operator. */
import type { MixinParams } from "./params.ts";
import { makeRuleSets } from "./rules/index.ts";
import type { RuleGroup } from "./types.ts";

export interface ManifestParams extends MixinParams {
  namespace: string;
  /** Of every object, beside what it needs to be found. */
  labels?: Readonly<Record<string, string>>;
}

export interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: { groups: RuleGroup[] };
}

const LABELS = { "app.kubernetes.io/part-of": "pharos" };

/** The rules for a cluster with these parameters, one resource for each set. */
export function prometheusRules(params: ManifestParams): PrometheusRule[] {
  return makeRuleSets(params).map(({ name, groups }) => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name, namespace: params.namespace, labels: { ...LABELS, ...params.labels } },
    spec: { groups },
  }));
}
