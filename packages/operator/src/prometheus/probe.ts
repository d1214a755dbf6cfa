/** Probe → one scrape job through a prober such as blackbox_exporter; targets are static or come from Ingresses. */

import type { Probe } from "../resources/monitors.ts";
import type { ScrapeClass } from "../resources/prometheus.ts";
import { kubernetesSd } from "./discovery.ts";
import { histograms, protocols, timestamps } from "./endpoint.ts";
import { httpClient, proxy, type Yaml } from "./http-client.ts";
import { limits } from "./limits.ts";
import { selectorRules, userRelabelings } from "./relabel.ts";
import { clientScope, enforcedNamespaceRule, type GenerationScope, targetNamespaces } from "./scope.ts";
import { scrapeClassOf, withScrapeClass } from "./scrape-class.ts";
import { shardingRules } from "./sharding.ts";

const NO_PROXY = {
  proxyUrl: undefined,
  noProxy: undefined,
  proxyFromEnvironment: undefined,
  proxyConnectHeader: undefined,
} as const;

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

interface ProbeTargets {
  discovery: Yaml;
  /** Relabelling that makes probes of what was found. */
  relabel: Yaml[];
  /** The user's relabelling of these targets. */
  user: Yaml[];
}

function staticTargets(probe: Probe, namespace: string): ProbeTargets | undefined {
  const config = probe.spec.targets?.staticConfig;
  if (!config) return undefined;
  const labels = { ...("namespace" in (config.labels ?? {}) ? {} : { namespace }), ...config.labels };
  return {
    discovery: { static_configs: [{ targets: config.static ?? [], labels }] },
    relabel: [{ source_labels: ["__address__"], target_label: "__param_target" }, ...proberRules(probe)],
    user: userRelabelings(config.relabelingConfigs),
  };
}

function ingressTargets(probe: Probe, namespace: string, scope: GenerationScope): ProbeTargets | undefined {
  const ingress = probe.spec.targets?.ingress;
  if (!ingress) return undefined;
  const meta = (name: string): string => `__meta_kubernetes_ingress_${name}`;
  const namespaces = targetNamespaces(ingress.namespaceSelector, namespace, scope);
  return {
    discovery: kubernetesSd(scope, clientScope(scope, namespace), "ingress", namespaces),
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
    ],
    user: userRelabelings(ingress.relabelingConfigs),
  };
}

function relabeling(
  probe: Probe,
  found: ProbeTargets | undefined,
  shared: ScrapeClass | undefined,
  scope: GenerationScope,
) {
  const { name = "", namespace = "" } = probe.metadata;
  const rules: Yaml[] = [{ source_labels: ["job"], target_label: "__tmp_prometheus_job_name" }];
  if (probe.spec.jobName) rules.push({ target_label: "job", replacement: probe.spec.jobName });
  if (found) {
    rules.push(
      ...found.relabel,
      ...userRelabelings(shared?.relabelings),
      ...found.user,
      ...enforcedNamespaceRule(scope, "probes", namespace, name),
    );
  }
  return [...rules, ...shardingRules(scope, "__param_target")];
}

export function probeJob(probe: Probe, scope: GenerationScope): Yaml {
  const { prometheus, gate } = scope;
  const { spec } = probe;
  const { name = "", namespace = "" } = probe.metadata;
  const shared = scrapeClassOf(spec.scrapeClass, scope);
  const client = clientScope(scope, namespace);
  const found = staticTargets(probe, namespace) ?? ingressTargets(probe, namespace, scope);
  const metricRelabel = [
    ...userRelabelings(shared?.metricRelabelings),
    ...userRelabelings(spec.metricRelabelings),
    ...enforcedNamespaceRule(scope, "probes", namespace, name),
  ];
  const out: Yaml = {
    job_name: `probe/${namespace}/${name}`,
    ...timestamps({ honorTimestamps: true }, prometheus.spec, gate),
    metrics_path: spec.prober?.path ?? "",
  };
  if (spec.interval) out.scrape_interval = spec.interval;
  if (spec.scrapeTimeout) out.scrape_timeout = spec.scrapeTimeout;
  if (spec.prober?.scheme) out.scheme = spec.prober.scheme.toLowerCase();
  return {
    ...out,
    ...probeParams(probe),
    ...found?.discovery,
    // Of the two places for a proxy, only the prober's own is meant for its requests.
    ...httpClient(withScrapeClass({ ...spec, ...NO_PROXY }, shared), client),
    ...proxy(spec.prober ?? {}, client),
    relabel_configs: relabeling(probe, found, shared, scope),
    ...limits(spec, prometheus.spec, gate),
    ...histograms(spec, gate),
    ...protocols(spec, shared?.fallbackScrapeProtocol, gate),
    ...(metricRelabel.length > 0 ? { metric_relabel_configs: metricRelabel } : {}),
  };
}
