/**
 * Prometheus resource + what it selected → prometheus.yml. Sections and keys in upstream's order: global, rule_files,
 * scrape_configs, storage, alerting.
 */
import { parseYaml } from "@pharos/kit";
import { parseDuration, UserError } from "@pharos/model";
import { stringify } from "yaml";
import type { PodMonitor, Probe, ServiceMonitor } from "../resources/types.ts";
import { atLeast } from "../version.ts";
import { alertingSection, replicaLabel } from "./alerting.ts";
import { protocols } from "./endpoint.ts";
import type { Yaml } from "./http-client.ts";
import { podMonitorJob } from "./pod-monitor.ts";
import { probeJob } from "./probe.ts";
import { shardingRules } from "./relabel.ts";
import type { GenerationScope } from "./scope.ts";
import { serviceMonitorJob } from "./service-monitor.ts";

export interface SelectedMonitors {
  serviceMonitors: readonly ServiceMonitor[];
  podMonitors: readonly PodMonitor[];
  probes: readonly Probe[];
}

/** Golden files and Go's reader want lists unindented and YAML 1.1's ambiguous words quoted. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, indentSeq: false, version: "1.1", aliasDuplicateObjects: false });
}

function globalSection(scope: GenerationScope): Yaml {
  const { prometheus, version } = scope;
  const { spec, metadata } = prometheus;
  const interval = spec.scrapeInterval || "30s";
  const out: Yaml = { scrape_interval: interval };
  if (spec.scrapeTimeout && parseDuration(spec.scrapeTimeout) > parseDuration(interval)) {
    throw new UserError(
      "operator.invalid",
      `scrapeTimeout ${spec.scrapeTimeout} is greater than scrapeInterval ${interval}`,
      {
        where: { object: `Prometheus ${metadata.namespace}/${metadata.name}`, field: "spec.scrapeTimeout" },
        fix: "Lower the timeout or raise the interval",
      },
    );
  }
  if (spec.scrapeTimeout) out.scrape_timeout = spec.scrapeTimeout;
  if (spec.scrapeProtocols?.length && atLeast(version, "2.49.0"))
    out.scrape_protocols = protocols(spec, version).scrape_protocols;
  const instance = spec.prometheusExternalLabelName ?? "prometheus";
  const reserved: Record<string, string> = {};
  if (instance) reserved[instance] = `${metadata.namespace}/${metadata.name}`;
  if (replicaLabel(scope)) reserved[replicaLabel(scope)] = "$(POD_NAME)";
  const labels = { ...spec.externalLabels, ...reserved };
  if (Object.keys(labels).length > 0) {
    out.external_labels = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  out.evaluation_interval = spec.evaluationInterval || "30s";
  if (spec.ruleQueryOffset && atLeast(version, "2.53.0")) out.rule_query_offset = spec.ruleQueryOffset;
  return out;
}

/** A bare file name is put where the instance may write. */
function logFile(path: string): string {
  return path.includes("/") ? path : `/var/log/prometheus/${path}`;
}

/** Names, histograms and logs: settings that newer versions take for all jobs. */
function globalDefaults({ prometheus: { spec }, version }: GenerationScope): Yaml {
  const out: Yaml = {};
  if (spec.queryLogFile) out.query_log_file = logFile(spec.queryLogFile);
  if (spec.scrapeFailureLogFile && atLeast(version, "2.55.0")) {
    out.scrape_failure_log_file = logFile(spec.scrapeFailureLogFile);
  }
  if (spec.nameValidationScheme && atLeast(version, "3.0.0")) {
    out.metric_name_validation_scheme = spec.nameValidationScheme.toLowerCase();
  }
  if (spec.nameEscapingScheme && atLeast(version, "3.4.0")) {
    out.metric_name_escaping_scheme =
      spec.nameEscapingScheme === "AllowUTF8" ? "allow-utf-8" : spec.nameEscapingScheme.toLowerCase();
  }
  if (spec.convertClassicHistogramsToNHCB !== undefined && atLeast(version, "3.4.0")) {
    out.convert_classic_histograms_to_nhcb = spec.convertClassicHistogramsToNHCB;
  }
  if (spec.scrapeClassicHistograms !== undefined && atLeast(version, "3.5.0")) {
    out.always_scrape_classic_histograms = spec.scrapeClassicHistograms;
  }
  if (spec.scrapeNativeHistograms !== undefined && atLeast(version, "3.8.0")) {
    out.scrape_native_histograms = spec.scrapeNativeHistograms;
  }
  return out;
}

/** Limits that hold for every job which sets none of its own (from 2.45 on). */
function globalLimits(scope: GenerationScope): Yaml {
  const { spec } = scope.prometheus;
  if (!atLeast(scope.version, "2.45.0")) return {};
  const entries: [string, number | string | undefined, string][] = [
    ["body_size_limit", spec.bodySizeLimit || spec.enforcedBodySizeLimit, "2.45.0"],
    ["sample_limit", spec.sampleLimit || spec.enforcedSampleLimit, "2.45.0"],
    ["target_limit", spec.targetLimit || spec.enforcedTargetLimit, "2.45.0"],
    ["label_limit", spec.labelLimit || spec.enforcedLabelLimit, "2.45.0"],
    ["label_name_length_limit", spec.labelNameLengthLimit || spec.enforcedLabelNameLengthLimit, "2.45.0"],
    ["label_value_length_limit", spec.labelValueLengthLimit || spec.enforcedLabelValueLengthLimit, "2.45.0"],
    ["keep_dropped_targets", spec.keepDroppedTargets || spec.enforcedKeepDroppedTargets, "2.47.0"],
  ];
  return Object.fromEntries(
    entries.filter(([, value, since]) => value && atLeast(scope.version, since)).map(([key, value]) => [key, value]),
  );
}

function runtimeSection({ prometheus: { spec }, version }: GenerationScope): Yaml {
  return spec.runtime?.goGC !== undefined && atLeast(version, "2.53.0") ? { runtime: { gogc: spec.runtime.goGC } } : {};
}

function storageSection({ prometheus, version }: GenerationScope): Yaml {
  const { spec } = prometheus;
  const tsdb: Yaml = {};
  if (spec.tsdb?.outOfOrderTimeWindow && atLeast(version, "2.39.0")) {
    tsdb.out_of_order_time_window = spec.tsdb.outOfOrderTimeWindow;
  }
  if (spec.tsdb?.staleSeriesCompactionThreshold !== undefined && atLeast(version, "3.10.0")) {
    tsdb.stale_series_compaction_threshold = Number(spec.tsdb.staleSeriesCompactionThreshold);
  }
  if (spec.tsdb?.chunkEncoding?.floats && atLeast(version, "3.13.0")) {
    tsdb.chunk_encoding = { floats: spec.tsdb.chunkEncoding.floats.toLowerCase() };
  }
  if (atLeast(version, "3.11.0")) {
    const retention: Yaml = {};
    if (spec.retention || !spec.retentionSize) retention.time = spec.retention || "24h";
    if (spec.retentionSize) retention.size = spec.retentionSize;
    tsdb.retention = retention;
  }
  const out: Yaml = {};
  if (Object.keys(tsdb).length > 0) out.tsdb = tsdb;
  if (spec.exemplars?.maxSize && atLeast(version, "2.29.0")) out.exemplars = { max_exemplars: spec.exemplars.maxSize };
  return Object.keys(out).length > 0 ? { storage: out } : {};
}

function additionalJobs(scope: GenerationScope): Yaml[] {
  const { spec, metadata } = scope.prometheus;
  if (!spec.additionalScrapeConfigs) return [];
  const jobs = parseYaml(
    scope.assets.secret(metadata.namespace ?? "", spec.additionalScrapeConfigs),
  ).toValue() as Yaml[];
  const shards = spec.shards ?? 1;
  if (shards <= 1) return jobs;
  return jobs.map((job) => {
    const rules = (job.relabel_configs as Yaml[] | undefined) ?? [];
    if (rules.some((rule) => rule.action === "hashmod")) return job;
    return { ...job, relabel_configs: [...rules, ...shardingRules(shards, "__address__")] };
  });
}

function byName<T extends { metadata: { namespace?: string; name?: string } }>(objects: readonly T[]): T[] {
  const key = ({ metadata }: T): string => `${metadata.namespace}/${metadata.name}`;
  return [...objects].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** The jobs of one monitor, so that a single object can be checked on its own. */
export function scrapeJobs(monitors: Partial<SelectedMonitors>, scope: GenerationScope): Yaml[] {
  return [
    ...byName(monitors.serviceMonitors ?? []).flatMap((monitor) =>
      monitor.spec.endpoints.map((_, i) => serviceMonitorJob(monitor, i, scope)),
    ),
    ...byName(monitors.podMonitors ?? []).flatMap((monitor) =>
      (monitor.spec.podMetricsEndpoints ?? []).map((_, i) => podMonitorJob(monitor, i, scope)),
    ),
    ...byName(monitors.probes ?? []).map((probe) => probeJob(probe, scope)),
  ];
}

export function generatePrometheusConfig(
  monitors: SelectedMonitors,
  ruleFileGlobs: readonly string[],
  scope: GenerationScope,
): Yaml {
  return {
    global: { ...globalSection(scope), ...globalDefaults(scope), ...globalLimits(scope) },
    ...runtimeSection(scope),
    ...(ruleFileGlobs.length > 0 ? { rule_files: ruleFileGlobs } : {}),
    scrape_configs: [...scrapeJobs(monitors, scope), ...additionalJobs(scope)],
    ...storageSection(scope),
    ...alertingSection(scope),
  };
}
