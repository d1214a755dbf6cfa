/** The global and runtime sections. */
import { parseDuration, UserError } from "@pharos/model";
import type { CommonPrometheusSpec, PrometheusSpec } from "../resources/prometheus.ts";
import type { VersionGate } from "../version.ts";
import { replicaLabel } from "./alerting.ts";
import { scrapeProtocols } from "./endpoint.ts";
import type { Yaml } from "./http-client.ts";
import { globalLimits } from "./limits.ts";
import type { GenerationScope } from "./scope.ts";

const DEFAULT_INTERVAL = "30s";

function externalLabels({ prometheus, features }: GenerationScope, replica: string): Record<string, string> {
  const { spec, metadata } = prometheus;
  const reserved: Record<string, string> = {};
  const instance = spec.prometheusExternalLabelName ?? "prometheus";
  if (instance) reserved[instance] = `${metadata.namespace}/${metadata.name}`;
  if (replica) reserved[replica] = "$(POD_NAME)";
  const strategy = spec.shardingStrategy;
  if (features?.topologySharding && strategy?.mode === "Topology" && strategy.topology) {
    const zone = strategy.topology.externalLabelName ?? "zone";
    if (zone) reserved[zone] = "$(TOPOLOGY_ZONE)";
  }
  const labels = { ...spec.externalLabels, ...reserved };
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A bare file name is put where the instance may write. */
function logFile(path: string): string {
  return path.includes("/") ? path : `/var/log/prometheus/${path}`;
}

const ESCAPING: Record<string, string> = {
  AllowUTF8: "allow-utf-8",
  Underscores: "underscores",
  Dots: "dots",
  Values: "values",
};

/** metric_name_validation_scheme and metric_name_escaping_scheme, of the whole or of a job. */
export function nameSchemes(
  spec: { nameValidationScheme?: string; nameEscapingScheme?: string },
  gate: VersionGate,
): Yaml {
  const out: Yaml = {};
  gate.set(out, "metric_name_validation_scheme", spec.nameValidationScheme?.toLowerCase(), "3.0.0");
  const escaping = spec.nameEscapingScheme && ESCAPING[spec.nameEscapingScheme];
  gate.set(out, "metric_name_escaping_scheme", escaping || undefined, "3.4.0");
  return out;
}

function checkTimeout({ spec, metadata, kind }: GenerationScope["prometheus"], interval: string): void {
  if (!spec.scrapeTimeout || parseDuration(spec.scrapeTimeout) <= parseDuration(interval)) return;
  throw new UserError(
    "operator.invalid",
    `scrapeTimeout ${spec.scrapeTimeout} is greater than scrapeInterval ${interval}`,
    {
      where: { object: `${kind} ${metadata.namespace}/${metadata.name}`, field: "spec.scrapeTimeout" },
      fix: "Lower the timeout or raise the interval",
    },
  );
}

/** The part of the global section that servers and agents share. */
export function globalSection(scope: GenerationScope): Yaml {
  const { prometheus, gate } = scope;
  const { spec } = prometheus;
  const interval = spec.scrapeInterval || DEFAULT_INTERVAL;
  checkTimeout(prometheus, interval);
  const out: Yaml = { scrape_interval: interval };
  if (spec.scrapeTimeout) out.scrape_timeout = spec.scrapeTimeout;
  Object.assign(out, scrapeProtocols(spec.scrapeProtocols, gate));
  out.external_labels = externalLabels(scope, replicaLabel(scope));
  Object.assign(out, globalLimits(spec, gate));
  const failures = spec.scrapeFailureLogFile;
  gate.set(out, "scrape_failure_log_file", failures && logFile(failures), "2.55.0");
  Object.assign(out, nameSchemes(spec, gate));
  gate.set(out, "convert_classic_histograms_to_nhcb", spec.convertClassicHistogramsToNHCB, "3.4.0");
  gate.set(out, "always_scrape_classic_histograms", spec.scrapeClassicHistograms, "3.5.0");
  gate.set(out, "scrape_native_histograms", spec.scrapeNativeHistograms, "3.8.0");
  return out;
}

/** What only a server has: rules and a log of queries. */
export function serverGlobals(spec: PrometheusSpec, gate: VersionGate): Yaml {
  const out: Yaml = { evaluation_interval: spec.evaluationInterval || DEFAULT_INTERVAL };
  gate.set(out, "rule_query_offset", spec.ruleQueryOffset, "2.53.0");
  if (spec.queryLogFile) gate.set(out, "query_log_file", logFile(spec.queryLogFile), "2.16.0");
  return out;
}

export function runtimeSection(spec: CommonPrometheusSpec, gate: VersionGate): Yaml {
  if (!spec.runtime || !gate.allows("runtime", "2.53.0")) return {};
  return { runtime: spec.runtime.goGC === undefined ? {} : { gogc: spec.runtime.goGC } };
}
