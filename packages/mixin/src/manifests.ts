/** Rules and dashboards as resources: what the operator and the dashboards' server look for in a cluster. */
import { makeDashboards } from "./dashboards/index.ts";
import type { MixinParams } from "./params.ts";
import { makeRuleSets } from "./rules/index.ts";
import type { RuleGroup } from "./types.ts";

export interface ManifestParams extends MixinParams {
  namespace: string;
  /** Of every object, beside what it needs to be found. */
  labels?: Readonly<Record<string, string>>;
}

interface Metadata {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata: Metadata;
  spec: { groups: RuleGroup[] };
}

export interface ConfigMap {
  apiVersion: "v1";
  kind: "ConfigMap";
  metadata: Metadata;
  data: Record<string, string>;
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

/** The dashboards, one ConfigMap each, with the label and the annotation of Grafana's sidecar. */
export function dashboardConfigMaps(params: ManifestParams): ConfigMap[] {
  return makeDashboards(params).map(({ name, folder, json }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: `dashboard-${name.replace(/\.json$/, "")}`,
      namespace: params.namespace,
      labels: { ...LABELS, ...params.labels, grafana_dashboard: "1" },
      annotations: { grafana_folder: folder },
    },
    data: { [name]: JSON.stringify(json) },
  }));
}
