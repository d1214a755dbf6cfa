/** scrape_configs: every key, strict, with the global section behind it. */
import { type HttpClientConfig, parseBytes, parseHttpClientConfig, type YamlMap, type YamlNode } from "@pharos/kit";
import { parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";

/** All limits: 0 is none. */
export interface ScrapeLimits {
  /** Bytes after decompression. */
  bodySizeLimit: number;
  sampleLimit: number;
  targetLimit: number;
  labelLimit: number;
  labelNameLengthLimit: number;
  labelValueLengthLimit: number;
  keepDroppedTargets: number;
}

export const PROTOCOLS = [
  "PrometheusProto",
  "OpenMetricsText0.0.1",
  "OpenMetricsText1.0.0",
  "PrometheusText0.0.4",
  "PrometheusText1.0.0",
] as const;
export type ScrapeProtocol = (typeof PROTOCOLS)[number];

export interface GlobalScrapeConfig extends ScrapeLimits {
  /** ms */
  scrapeInterval: number;
  /** ms */
  scrapeTimeout: number;
  scrapeProtocols: readonly ScrapeProtocol[];
  extraScrapeMetrics: boolean;
}

export interface ScrapeConfig extends ScrapeLimits {
  jobName: string;
  /** ms */
  scrapeInterval: number;
  /** ms */
  scrapeTimeout: number;
  scrapeProtocols: readonly ScrapeProtocol[];
  fallbackScrapeProtocol: ScrapeProtocol | undefined;
  honorLabels: boolean;
  honorTimestamps: boolean;
  trackTimestampsStaleness: boolean;
  metricsPath: string;
  scheme: string;
  params: Record<string, string[]>;
  enableCompression: boolean;
  extraScrapeMetrics: boolean;
  http: HttpClientConfig;
  relabelConfigs: RelabelConfig[];
  metricRelabelConfigs: RelabelConfig[];
}

const DEFAULT_PROTOCOLS: readonly ScrapeProtocol[] = [
  "OpenMetricsText1.0.0",
  "OpenMetricsText0.0.1",
  "PrometheusText1.0.0",
  "PrometheusText0.0.4",
];

function readProtocol(node: YamlNode): ScrapeProtocol {
  const name = node.string() as ScrapeProtocol;
  if (!PROTOCOLS.includes(name)) {
    throw node.error(`unknown scrape protocol prometheus protocol: ${name}, supported: [${PROTOCOLS.join(" ")}]`, {
      code: "scrape.config",
    });
  }
  return name;
}

function readProtocols(node: YamlNode | undefined): ScrapeProtocol[] | undefined {
  if (!node || node.isNull) return undefined;
  const protocols = node.items().map(readProtocol);
  const twice = protocols.find((name, i) => protocols.indexOf(name) !== i);
  if (twice)
    throw node.error(`duplicated protocol in scrape_protocols, got [${protocols.join(" ")}]`, {
      code: "scrape.config",
    });
  return protocols;
}

function readLimits(map: YamlMap, fallback: ScrapeLimits): ScrapeLimits {
  const count = (key: string, otherwise: number): number => {
    const value = map.get(key)?.integer() ?? 0;
    if (value < 0) throw map.get(key)!.error(`${key} must not be negative`, { code: "scrape.config" });
    return value || otherwise;
  };
  const size = map.get("body_size_limit");
  return {
    bodySizeLimit:
      (size && !size.isNull && size.string() !== "0" ? parseBytes(size.string()) : 0) || fallback.bodySizeLimit,
    sampleLimit: count("sample_limit", fallback.sampleLimit),
    targetLimit: count("target_limit", fallback.targetLimit),
    labelLimit: count("label_limit", fallback.labelLimit),
    labelNameLengthLimit: count("label_name_length_limit", fallback.labelNameLengthLimit),
    labelValueLengthLimit: count("label_value_length_limit", fallback.labelValueLengthLimit),
    keepDroppedTargets: count("keep_dropped_targets", fallback.keepDroppedTargets),
  };
}

const NO_LIMITS: ScrapeLimits = {
  bodySizeLimit: 0,
  sampleLimit: 0,
  targetLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  keepDroppedTargets: 0,
};

/** Keys about names and native histograms: taken in the form that changes nothing, refused in any other. */
function refuseUnsupported(map: YamlMap): void {
  const only = (key: string, accepted: readonly string[]): void => {
    const node = map.get(key);
    if (node && !node.isNull && !accepted.includes(node.string())) {
      throw node.error(`${key}: ${node.string()} is not supported by this version of Pharos`, {
        code: "scrape.unsupported",
        fix: `Remove it, or use ${accepted.filter((value) => value !== "").join(" or ")}`,
      });
    }
  };
  for (const key of ["scrape_native_histograms", "convert_classic_histograms_to_nhcb"]) only(key, ["false"]);
  only("metric_name_validation_scheme", ["", "utf8"]);
  only("metric_name_escaping_scheme", ["", "allow-utf-8"]);
  // Without native histograms classic ones are always scraped, and there are no native buckets to limit.
  for (const key of [
    "always_scrape_classic_histograms",
    "scrape_classic_histograms",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
  ])
    map.get(key);
  only("scrape_failure_log_file", [""]);
}

/** Reads the keys of the global section that scraping is about; the caller reads the others. */
export function parseGlobalScrapeConfig(map: YamlMap): GlobalScrapeConfig {
  const intervalNode = map.get("scrape_interval");
  const scrapeInterval = intervalNode?.duration() || 60_000;
  const timeoutNode = map.get("scrape_timeout");
  const scrapeTimeout = timeoutNode?.duration() || Math.min(10_000, scrapeInterval);
  if (scrapeTimeout > scrapeInterval) {
    throw timeoutNode!.error("global scrape timeout greater than scrape interval", { code: "scrape.config" });
  }
  refuseUnsupported(map);
  return {
    scrapeInterval,
    scrapeTimeout,
    scrapeProtocols: readProtocols(map.get("scrape_protocols")) ?? DEFAULT_PROTOCOLS,
    extraScrapeMetrics: map.get("extra_scrape_metrics")?.boolean() ?? false,
    ...readLimits(map, NO_LIMITS),
  };
}

/** Reads one entry of scrape_configs; `parseSd` reads its `*_sd_configs`. */
export function parseScrapeConfig<Sd>(
  node: YamlNode,
  global: GlobalScrapeConfig,
  parseSd: (map: YamlMap) => Sd,
): ScrapeConfig & { sdConfigs: Sd } {
  if (node.isNull) throw node.error("empty or null scrape config section", { code: "scrape.config" });
  const map = node.map();
  const jobName = map.get("job_name")?.string() ?? "";
  if (jobName === "") throw node.error("job_name is empty", { code: "scrape.config", fix: "Give the job a name" });
  const scrapeInterval = map.get("scrape_interval")?.duration() || global.scrapeInterval;
  const timeoutNode = map.get("scrape_timeout");
  const timeout = timeoutNode?.duration() || 0;
  if (timeout > scrapeInterval) {
    throw timeoutNode!.error(
      `scrape timeout greater than scrape interval for scrape config with job name ${JSON.stringify(jobName)}`,
      { code: "scrape.config" },
    );
  }
  const scheme = map.get("scheme")?.string() || "http";
  if (scheme !== "http" && scheme !== "https") {
    throw map
      .get("scheme")!
      .error(`scheme must be http or https, not ${JSON.stringify(scheme)}`, { code: "scrape.config" });
  }
  const params: Record<string, string[]> = {};
  for (const [name, values] of map.get("params")?.entries() ?? []) params[name] = values.strings();
  refuseUnsupported(map);
  const fallback = map.get("fallback_scrape_protocol");
  const config = {
    jobName,
    scrapeInterval,
    scrapeTimeout: timeout || Math.min(global.scrapeTimeout, scrapeInterval),
    scrapeProtocols: readProtocols(map.get("scrape_protocols")) ?? global.scrapeProtocols,
    fallbackScrapeProtocol:
      fallback && !fallback.isNull && fallback.string() !== "" ? readProtocol(fallback) : undefined,
    honorLabels: map.get("honor_labels")?.boolean() ?? false,
    honorTimestamps: map.get("honor_timestamps")?.boolean() ?? true,
    trackTimestampsStaleness: map.get("track_timestamps_staleness")?.boolean() ?? false,
    metricsPath: map.get("metrics_path")?.string() || "/metrics",
    scheme,
    params,
    enableCompression: map.get("enable_compression")?.boolean() ?? true,
    extraScrapeMetrics: map.get("extra_scrape_metrics")?.boolean() ?? global.extraScrapeMetrics,
    http: parseHttpClientConfig(map),
    relabelConfigs: parseRelabelConfigs(map.get("relabel_configs")),
    metricRelabelConfigs: parseRelabelConfigs(map.get("metric_relabel_configs")),
    ...readLimits(map, global),
    sdConfigs: parseSd(map),
  };
  map.done("config.ScrapeConfig");
  return config;
}
