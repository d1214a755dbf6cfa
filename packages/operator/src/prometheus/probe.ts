/** Probe → one scrape job through a prober such as blackbox_exporter; targets are static or come from Ingresses. */
import type { Probe } from "../resources/types.ts";
import { atLeast } from "../version.ts";
import { kubernetesSd } from "./discovery.ts";
import { histograms, protocols } from "./endpoint.ts";
import { httpClient, type Yaml } from "./http-client.ts";
import { limits } from "./limits.ts";
import { selectorRules, shardingRules, userRelabelings } from "./relabel.ts";
import { enforcedNamespaceRule, type GenerationScope, targetNamespaces } from "./scope.ts";
import { scrapeClassOf, withScrapeClass } from "./scrape-class.ts";

function probeParams({ spec }: Probe): Yaml {
  const params: Record<string, string[]> = {};
  for (const { name, values } of spec.params ?? []) params[name] = values ?? [];
  if (spec.module) params.module = [spec.module];
  return Object.keys(params).length > 0 ? { params } : {};
}

/** Sends the scrape to the prober and the address into its `target` parameter. */
function proberRules(probe: Probe): Yaml[] {
  return [
    { source_labels: ["__param_target"], target_label: "instance" },
    { target_label: "__address__", replacement: probe.spec.prober?.url ?? "" },
  ];
}

function staticTargets(probe: Probe, namespace: string): { discovery: Yaml; relabel: Yaml[] } | undefined {
  const config = probe.spec.targets?.staticConfig;
  if (!config) return undefined;
  const labels = { ...(config.labels?.namespace ? {} : { namespace }), ...config.labels };
  return {
    discovery: { static_configs: [{ targets: config.static ?? [], labels }] },
    relabel: [
      { source_labels: ["__address__"], target_label: "__param_target" },
      ...proberRules(probe),
      ...userRelabelings(config.relabelingConfigs),
    ],
  };
}

function ingressTargets(probe: Probe, namespace: string, scope: GenerationScope): { discovery: Yaml; relabel: Yaml[] } {
  const ingress = probe.spec.targets?.ingress;
  if (!ingress) return { discovery: {}, relabel: [] };
  const meta = (name: string): string => `__meta_kubernetes_ingress_${name}`;
  return {
    discovery: kubernetesSd(scope, "ingress", targetNamespaces(ingress.namespaceSelector, namespace, scope)),
    relabel: [
      ...selectorRules(ingress.selector ?? {}, "ingress"),
      {
        source_labels: [meta("scheme"), "__address__", meta("path")],
        separator: ";",
        regex: "(.+);(.+);(.+)",
        target_label: "__param_target",
        replacement: "${1}://${2}${3}",
        action: "replace",
      },
      { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
      { source_labels: [meta("name")], target_label: "ingress" },
      {
        source_labels: ["__address__"],
        separator: ";",
        regex: "(.*)",
        target_label: "__tmp_ingress_address",
        replacement: "$1",
        action: "replace",
      },
      ...proberRules(probe),
      ...userRelabelings(ingress.relabelingConfigs),
    ],
  };
}

export function probeJob(probe: Probe, scope: GenerationScope): Yaml {
  const { prometheus, version, assets } = scope;
  const { spec } = probe;
  const { name, namespace = "" } = probe.metadata;
  const shared = scrapeClassOf(spec.scrapeClass, scope);
  const found = staticTargets(probe, namespace) ?? ingressTargets(probe, namespace, scope);
  const relabel: Yaml[] = [{ source_labels: ["job"], target_label: "__tmp_prometheus_job_name" }];
  if (spec.jobName) relabel.push({ target_label: "job", replacement: spec.jobName });
  relabel.push(
    ...found.relabel,
    ...userRelabelings(shared?.relabelings),
    ...enforcedNamespaceRule(scope, "probes", namespace, name!),
    ...shardingRules(prometheus.spec.shards ?? 1, "__param_target"),
  );
  const metricRelabel = [
    ...userRelabelings(shared?.metricRelabelings),
    ...userRelabelings(spec.metricRelabelings),
    ...enforcedNamespaceRule(scope, "probes", namespace, name!),
  ];
  const out: Yaml = {
    job_name: `probe/${namespace}/${name}`,
    honor_timestamps: !prometheus.spec.overrideHonorTimestamps,
    metrics_path: spec.prober?.path ?? "",
  };
  if (spec.interval) out.scrape_interval = spec.interval;
  if (spec.scrapeTimeout) out.scrape_timeout = spec.scrapeTimeout;
  if (spec.prober?.scheme) out.scheme = spec.prober.scheme.toLowerCase();
  if (spec.enableHttp2 !== undefined && atLeast(version, "2.35.0")) out.enable_http2 = spec.enableHttp2;
  if (spec.followRedirects !== undefined && atLeast(version, "2.26.0")) out.follow_redirects = spec.followRedirects;
  return {
    ...out,
    ...probeParams(probe),
    ...found.discovery,
    ...httpClient(withScrapeClass({ ...spec, ...spec.prober }, shared), namespace, assets, version),
    relabel_configs: relabel,
    ...limits(spec, prometheus.spec, version),
    ...histograms(spec, version),
    ...protocols({ fallbackScrapeProtocol: shared?.fallbackScrapeProtocol, ...spec }, version),
    ...(metricRelabel.length > 0 ? { metric_relabel_configs: metricRelabel } : {}),
  };
}
