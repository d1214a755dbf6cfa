/** ScrapeConfig → one scrape job with whatever service discovery it names. */
import type { ScrapeConfig } from "../resources/monitors.ts";
import { histograms, honorLabels, protocols, timestamps } from "./endpoint.ts";
import { nameSchemes } from "./global.ts";
import { httpClient, type Yaml } from "./http-client.ts";
import { limits } from "./limits.ts";
import { userRelabelings } from "./relabel.ts";
import { clientScope, enforcedNamespaceRule, type GenerationScope } from "./scope.ts";
import { scrapeClassOf, withScrapeClass } from "./scrape-class.ts";
import { discoverySections } from "./service-discovery.ts";
import { shardUserRules } from "./sharding.ts";

function sorted<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys that are only written when the user says something. */
function settings({ spec }: ScrapeConfig, { prometheus, gate }: GenerationScope): Yaml {
  const out: Yaml = {};
  if (spec.honorTimestamps !== undefined) Object.assign(out, timestamps(spec, prometheus.spec, gate));
  else Object.assign(out, timestamps({ trackTimestampsStaleness: spec.trackTimestampsStaleness }, {}, gate));
  if (spec.honorLabels !== undefined) Object.assign(out, honorLabels(spec.honorLabels, prometheus.spec));
  if (spec.metricsPath) out.metrics_path = spec.metricsPath;
  if (spec.params && Object.keys(spec.params).length > 0) out.params = sorted(spec.params);
  gate.set(out, "enable_compression", spec.enableCompression, "2.49.0");
  if (spec.scrapeInterval) out.scrape_interval = spec.scrapeInterval;
  if (spec.scrapeTimeout) out.scrape_timeout = spec.scrapeTimeout;
  if (spec.scheme) out.scheme = spec.scheme.toLowerCase();
  return out;
}

export function scrapeConfigJob(config: ScrapeConfig, scope: GenerationScope): Yaml {
  const { prometheus, gate } = scope;
  const { spec } = config;
  const { name = "", namespace = "" } = config.metadata;
  const shared = scrapeClassOf(spec.scrapeClass, scope);
  const client = clientScope(scope, namespace);
  const enforced = enforcedNamespaceRule(scope, "scrapeconfigs", namespace, name);
  const relabel: Yaml[] = [
    { source_labels: ["job"], target_label: "__tmp_prometheus_job_name" },
    ...userRelabelings(shared?.relabelings),
    ...(spec.jobName ? [{ target_label: "job", action: "replace", replacement: spec.jobName }] : []),
    // As upstream: without relabelling of its own, targets carry no enforced namespace, only their samples do.
    ...(spec.relabelings?.length ? [...userRelabelings(spec.relabelings), ...enforced] : []),
  ];
  const metricRelabel = [
    ...userRelabelings(shared?.metricRelabelings),
    ...userRelabelings(spec.metricRelabelings),
    ...enforced,
  ];
  const statics = (spec.staticConfigs ?? []).map(({ targets = [], labels = {} }) => ({ targets, labels }));
  return {
    job_name: `scrapeConfig/${namespace}/${name}`,
    ...settings(config, scope),
    ...protocols(spec, shared?.fallbackScrapeProtocol, gate),
    ...httpClient(withScrapeClass({ ...spec, enableHttp2: spec.enableHTTP2 }, shared), client),
    ...limits(spec, prometheus.spec, gate),
    ...histograms(spec, gate),
    ...(statics.length > 0 ? { static_configs: statics } : {}),
    ...discoverySections(spec, client),
    relabel_configs: shardUserRules(scope, relabel),
    ...(metricRelabel.length > 0 ? { metric_relabel_configs: metricRelabel } : {}),
    ...nameSchemes(spec, gate),
  };
}
