/** The running configuration as /status/config shows it: with the defaults filled in, in upstream's order, without secrets. Sections of discovery are shown as they were written. */
import { parseYaml } from "@pharos/kit";
import { formatDuration } from "@pharos/model";
import { stringify } from "yaml";
import type { PrometheusConfig } from "./config.ts";
import { redactConfig } from "./redact.ts";
import type { JobConfig } from "./scrape-files.ts";

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Rules of relabelling with what they leave out. */
function relabelRules(value: unknown): Fields[] {
  return listOf(value).map((item) => {
    const { source_labels, separator, regex, modulus, target_label, replacement, action, ...rest } = fieldsOf(item);
    return present({
      source_labels,
      separator: separator ?? ";",
      regex,
      modulus,
      target_label,
      replacement: replacement ?? "$1",
      action: String(action ?? "replace").toLowerCase(),
      ...rest,
    });
  });
}

/** Without the fields that are not there. */
function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The keys of a list of rules, when it has any, completed. */
function withRules(fields: Fields, ...keys: readonly string[]): Fields {
  const out = { ...fields };
  for (const key of keys) if (out[key] !== undefined) out[key] = relabelRules(out[key]);
  return out;
}

function jobFields(value: unknown, job: JobConfig): Fields {
  const { job_name, honor_labels, params, scrape_interval, scrape_timeout, ...given } = fieldsOf(value);
  const { honor_timestamps, track_timestamps_staleness, scrape_protocols, ...rest } = given;
  return withRules(
    present({
      job_name,
      honor_labels,
      honor_timestamps: job.honorTimestamps,
      track_timestamps_staleness: job.trackTimestampsStaleness,
      params,
      scrape_interval: formatDuration(job.scrapeInterval),
      scrape_timeout: formatDuration(job.scrapeTimeout),
      scrape_protocols: job.scrapeProtocols,
      scrape_native_histograms: job.scrapeNativeHistograms,
      always_scrape_classic_histograms: job.alwaysScrapeClassicHistograms,
      convert_classic_histograms_to_nhcb: job.convertClassicHistograms,
      metrics_path: job.metricsPath,
      scheme: job.scheme,
      enable_compression: job.enableCompression,
      metric_name_validation_scheme: job.metricNameValidationScheme,
      metric_name_escaping_scheme: job.metricNameEscapingScheme,
      extra_scrape_metrics: job.extraScrapeMetrics,
      follow_redirects: job.http.followRedirects,
      enable_http2: job.http.enableHttp2,
      ...without(rest, [
        "scrape_native_histograms",
        "always_scrape_classic_histograms",
        "convert_classic_histograms_to_nhcb",
        "metrics_path",
        "scheme",
        "enable_compression",
        "metric_name_validation_scheme",
        "metric_name_escaping_scheme",
        "extra_scrape_metrics",
        "follow_redirects",
        "enable_http2",
      ]),
    }),
    "relabel_configs",
    "metric_relabel_configs",
  );
}

function without(fields: Fields, keys: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key)));
}

function alertmanagerFields(value: unknown): Fields {
  const { follow_redirects = true, enable_http2 = true, scheme = "http", timeout = "10s", ...rest } = fieldsOf(value);
  return withRules(
    { follow_redirects, enable_http2, scheme, ...without(rest, ["api_version"]), timeout, api_version: "v2" },
    "relabel_configs",
    "alert_relabel_configs",
  );
}

function alertingFields(value: unknown): Fields {
  const { alertmanagers, ...rest } = fieldsOf(value);
  return withRules(
    present({ ...rest, alertmanagers: alertmanagers && listOf(alertmanagers).map(alertmanagerFields) }),
    "alert_relabel_configs",
  );
}

function globalFields(value: unknown, { global }: PrometheusConfig): Fields {
  const rest = without(fieldsOf(value), [
    "scrape_interval",
    "scrape_timeout",
    "evaluation_interval",
    "external_labels",
  ]);
  const labels = global.externalLabels.toObject();
  return present({
    scrape_interval: formatDuration(global.scrapeInterval),
    scrape_timeout: formatDuration(global.scrapeTimeout),
    evaluation_interval: formatDuration(global.evaluationInterval),
    external_labels: Object.keys(labels).length > 0 ? labels : undefined,
    ...rest,
  });
}

/** One job as /scrape_pools/config shows it. */
export function shownJob(job: JobConfig): string {
  return redactConfig(stringify(jobFields(parseYaml(job.source()).toValue(), job)));
}

/** The whole configuration. Jobs of other files are not part of it, as upstream has it. */
export function shownConfig(config: PrometheusConfig): string {
  const { global, runtime, alerting, rule_files, scrape_config_files, scrape_configs, ...rest } = fieldsOf(
    parseYaml(config.text).toValue(),
  );
  const jobs = listOf(scrape_configs).map((job, i) => jobFields(job, config.scrapeConfigs[i]));
  const { otlp, storage, ...others } = rest;
  const shown = present({
    global: globalFields(global, config),
    runtime: { gogc: 75, ...fieldsOf(runtime) },
    alerting: alerting ? alertingFields(alerting) : undefined,
    rule_files,
    scrape_config_files,
    scrape_configs: scrape_configs ? jobs : undefined,
    storage: { ...fieldsOf(storage), exemplars: { max_exemplars: config.storage.maxExemplars } },
    ...others,
    otlp: {
      translation_strategy: "UnderscoreEscapingWithSuffixes",
      label_name_underscore_sanitization: true,
      label_name_preserve_multiple_underscores: true,
      ...fieldsOf(otlp),
    },
  });
  return redactConfig(stringify(shown, { lineWidth: 0 }));
}
