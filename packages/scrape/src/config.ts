/** scrape_configs: every key, strict, with the global section behind it. */
import { dirname, isAbsolute, join } from "node:path";
import { ESCAPING_SCHEMES, type EscapingScheme, MAX_SCHEMA, MIN_SCHEMA } from "@pharos/exposition";
import { type HttpClientConfig, parseBytes, parseHttpClientConfig, type YamlMap, type YamlNode } from "@pharos/kit";
import type { UserError } from "@pharos/model";
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

export type ValidationScheme = "utf8" | "legacy";

/** What the global section says and a job may say otherwise. */
interface HistogramOptions {
  scrapeNativeHistograms: boolean;
  /** Classic series too of histograms that have a native form. */
  alwaysScrapeClassicHistograms: boolean;
  /** Classic histograms as native ones with custom buckets. */
  convertClassicHistograms: boolean;
}

export interface GlobalScrapeConfig extends ScrapeLimits, HistogramOptions {
  /** ms */
  scrapeInterval: number;
  /** ms */
  scrapeTimeout: number;
  /** undefined leaves the choice to the job: it depends on whether native histograms are scraped. */
  scrapeProtocols: readonly ScrapeProtocol[] | undefined;
  extraScrapeMetrics: boolean;
  metricNameValidationScheme: ValidationScheme;
  /** undefined follows the validation scheme. */
  metricNameEscapingScheme: EscapingScheme | undefined;
  /** Path of the file failed scrapes are logged to; "" for none. */
  scrapeFailureLogFile: string;
}

export interface ScrapeConfig extends ScrapeLimits, HistogramOptions {
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
  metricNameValidationScheme: ValidationScheme;
  metricNameEscapingScheme: EscapingScheme;
  scrapeFailureLogFile: string;
  /** Buckets of a native histogram at most; 0 is any number. */
  nativeHistogramBucketLimit: number;
  /** Finest schema native histograms are kept in. */
  maxSchema: number;
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
/** Native histograms come by protobuf only. */
const PROTOBUF_FIRST: readonly ScrapeProtocol[] = ["PrometheusProto", ...DEFAULT_PROTOCOLS];

/** What is wrong with the name of a protocol; undefined when nothing is. */
function protocolProblem(name: string): string | undefined {
  if ((PROTOCOLS as readonly string[]).includes(name)) return undefined;
  return `unknown scrape protocol ${name}, supported: [${[...PROTOCOLS].sort().join(" ")}]`;
}

/** `owner` is what the list is for: `global config` or a job. */
function readProtocols(node: YamlNode | undefined, owner: string): ScrapeProtocol[] | undefined {
  if (!node || node.isNull) return undefined;
  const fail = (where: YamlNode, message: string): UserError =>
    where.error(`${message} for ${owner}`, { code: "scrape.config" });
  const items = node.items();
  if (items.length === 0) throw fail(node, "scrape_protocols cannot be empty");
  const names = items.map((item) => item.string());
  const seen = new Set<string>();
  items.forEach((item, i) => {
    if (seen.has(names[i].toLowerCase()))
      throw fail(item, `duplicated protocol in scrape_protocols, got [${names.join(" ")}]`);
    const problem = protocolProblem(names[i]);
    if (problem) throw fail(item, `scrape_protocols: ${problem}`);
    seen.add(names[i].toLowerCase());
  });
  return names as ScrapeProtocol[];
}

function readFallback(node: YamlNode | undefined, owner: string): ScrapeProtocol | undefined {
  const name = node?.string() ?? "";
  if (name === "") return undefined;
  const problem = protocolProblem(name);
  if (problem) {
    throw node!.error(`invalid fallback_scrape_protocol for ${owner}: ${problem}`, { code: "scrape.config" });
  }
  return name as ScrapeProtocol;
}

function readSize(node: YamlNode | undefined): number {
  if (!node || node.isNull || node.string() === "0") return 0;
  const text = node.string();
  if (/^[\d.]+$/.test(text)) {
    throw node.error(`units: unknown unit  in ${text}`, { code: "scrape.config", fix: "Write it like 10MB" });
  }
  return parseBytes(text);
}

function readLimits(map: YamlMap, fallback: ScrapeLimits): ScrapeLimits {
  const count = (key: string, otherwise: number): number => {
    const value = map.get(key)?.integer() ?? 0;
    if (value < 0) throw map.get(key)!.error(`${key} must not be negative`, { code: "scrape.config" });
    return value || otherwise;
  };
  return {
    bodySizeLimit: readSize(map.get("body_size_limit")) || fallback.bodySizeLimit,
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

function readHistogramOptions(map: YamlMap, fallback: HistogramOptions): HistogramOptions {
  const flag = (key: string): boolean | undefined => {
    const node = map.get(key);
    return node && !node.isNull ? node.boolean() : undefined;
  };
  return {
    scrapeNativeHistograms: flag("scrape_native_histograms") ?? fallback.scrapeNativeHistograms,
    alwaysScrapeClassicHistograms: flag("always_scrape_classic_histograms") ?? fallback.alwaysScrapeClassicHistograms,
    convertClassicHistograms: flag("convert_classic_histograms_to_nhcb") ?? fallback.convertClassicHistograms,
  };
}

const NO_HISTOGRAM_OPTIONS: HistogramOptions = {
  scrapeNativeHistograms: false,
  alwaysScrapeClassicHistograms: false,
  convertClassicHistograms: false,
};

function readValidationScheme(map: YamlMap): ValidationScheme | undefined {
  const node = map.get("metric_name_validation_scheme");
  if (!node || node.isNull || node.string() === "") return undefined;
  const scheme = node.string();
  if (scheme === "utf8" || scheme === "legacy") return scheme;
  throw node.error(`unrecognized ValidationScheme: ${JSON.stringify(scheme)}`, {
    code: "scrape.config",
    fix: "Use utf8 or legacy",
  });
}

function readEscapingScheme(map: YamlMap, owner: "global" | "scrape config"): EscapingScheme | undefined {
  const node = map.get("metric_name_escaping_scheme");
  if (!node || node.isNull || node.string() === "") return undefined;
  const scheme = node.string() as EscapingScheme;
  if (ESCAPING_SCHEMES.includes(scheme)) return scheme;
  const names = "'allow-utf-8', 'underscores', 'dots', or 'values'";
  throw node.error(
    `unknown ${owner} name escaping method specified, must be one of ${names}, got ${JSON.stringify(scheme)}`,
    { code: "scrape.config" },
  );
}

const escapingOf = (scheme: ValidationScheme): EscapingScheme => (scheme === "legacy" ? "underscores" : "allow-utf-8");

/** Scheme of validation and of escaping for a job; what it leaves open comes from the global section. */
function readNameSchemes(
  map: YamlMap,
  global: GlobalScrapeConfig,
): Pick<ScrapeConfig, "metricNameValidationScheme" | "metricNameEscapingScheme"> {
  const own = readValidationScheme(map);
  const metricNameValidationScheme = own ?? global.metricNameValidationScheme;
  const metricNameEscapingScheme =
    readEscapingScheme(map, "scrape config") ??
    (own === undefined
      ? (global.metricNameEscapingScheme ?? escapingOf(global.metricNameValidationScheme))
      : escapingOf(own));
  if (metricNameEscapingScheme === "allow-utf-8" && metricNameValidationScheme !== "utf8") {
    throw map.node.error("utf8 metric names requested but validation scheme is not set to UTF8", {
      code: "scrape.config",
    });
  }
  return { metricNameValidationScheme, metricNameEscapingScheme };
}

function readPath(node: YamlNode | undefined): string {
  if (!node || node.isNull || node.string() === "") return "";
  const path = node.string();
  const { file } = node.where;
  return isAbsolute(path) || !file ? path : join(dirname(file), path);
}

/** The finest schema whose buckets grow by at least this factor. */
function schemaOf(factor: number): number {
  const floor = Math.floor(-Math.log2(Math.log2(factor <= 1 ? 1.00271 : factor)));
  // Plus zero: a factor of 2 gives -0.
  return Math.max(MIN_SCHEMA, Math.min(MAX_SCHEMA, floor)) + 0;
}

/** What features of the server make of the defaults. */
export interface ScrapeDefaults {
  /** Protobuf, the only format that has everything, is asked for first. */
  protobufFirst?: boolean;
  extraScrapeMetrics?: boolean;
}

/** Reads the keys of the global section that scraping is about; the caller reads the others. */
export function parseGlobalScrapeConfig(map: YamlMap, defaults: ScrapeDefaults = {}): GlobalScrapeConfig {
  const intervalNode = map.get("scrape_interval");
  const scrapeInterval = intervalNode?.duration() || 60_000;
  const timeoutNode = map.get("scrape_timeout");
  const scrapeTimeout = timeoutNode?.duration() || Math.min(10_000, scrapeInterval);
  if (scrapeTimeout > scrapeInterval) {
    throw timeoutNode!.error("global scrape timeout greater than scrape interval", { code: "scrape.config" });
  }
  return {
    scrapeInterval,
    scrapeTimeout,
    scrapeProtocols:
      readProtocols(map.get("scrape_protocols"), "global config") ??
      (defaults.protobufFirst ? PROTOBUF_FIRST : undefined),
    extraScrapeMetrics: map.get("extra_scrape_metrics")?.boolean() ?? defaults.extraScrapeMetrics ?? false,
    metricNameValidationScheme: readValidationScheme(map) ?? "utf8",
    metricNameEscapingScheme: readEscapingScheme(map, "global"),
    scrapeFailureLogFile: readPath(map.get("scrape_failure_log_file")),
    ...readHistogramOptions(map, NO_HISTOGRAM_OPTIONS),
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
  const sdConfigs = parseSd(map);
  const jobName = map.get("job_name")?.string() ?? "";
  const owner = `scrape config with job name ${JSON.stringify(jobName)}`;
  if (jobName === "") throw node.error("job_name is empty", { code: "scrape.config", fix: "Give the job a name" });
  const scrapeInterval = map.get("scrape_interval")?.duration() || global.scrapeInterval;
  const timeoutNode = map.get("scrape_timeout");
  const timeout = timeoutNode?.duration() || 0;
  if (timeout > scrapeInterval) {
    throw timeoutNode!.error(`scrape timeout greater than scrape interval for ${owner}`, { code: "scrape.config" });
  }
  const scheme = map.get("scheme")?.string() || "http";
  const params: Record<string, string[]> = {};
  for (const [name, values] of map.get("params")?.entries() ?? []) params[name] = values.strings();
  const histograms = readHistogramOptions(map, global);
  const names = readNameSchemes(map, global);
  const nameScheme = names.metricNameValidationScheme;
  const config = {
    jobName,
    scrapeInterval,
    scrapeTimeout: timeout || Math.min(global.scrapeTimeout, scrapeInterval),
    scrapeProtocols:
      readProtocols(map.get("scrape_protocols"), owner) ??
      global.scrapeProtocols ??
      (histograms.scrapeNativeHistograms ? PROTOBUF_FIRST : DEFAULT_PROTOCOLS),
    fallbackScrapeProtocol: readFallback(map.get("fallback_scrape_protocol"), owner),
    honorLabels: map.get("honor_labels")?.boolean() ?? false,
    honorTimestamps: map.get("honor_timestamps")?.boolean() ?? true,
    trackTimestampsStaleness: map.get("track_timestamps_staleness")?.boolean() ?? false,
    metricsPath: map.get("metrics_path")?.string() || "/metrics",
    scheme,
    params,
    enableCompression: map.get("enable_compression")?.boolean() ?? true,
    extraScrapeMetrics: map.get("extra_scrape_metrics")?.boolean() ?? global.extraScrapeMetrics,
    ...histograms,
    ...names,
    scrapeFailureLogFile: readPath(map.get("scrape_failure_log_file")) || global.scrapeFailureLogFile,
    nativeHistogramBucketLimit: map.get("native_histogram_bucket_limit")?.integer() ?? 0,
    maxSchema: schemaOf(map.get("native_histogram_min_bucket_factor")?.number() ?? 0),
    http: parseHttpClientConfig(map),
    relabelConfigs: parseRelabelConfigs(
      map.get("relabel_configs"),
      nameScheme,
      "empty or null target relabeling rule in scrape config",
    ),
    metricRelabelConfigs: parseRelabelConfigs(
      map.get("metric_relabel_configs"),
      nameScheme,
      "empty or null metric relabeling rule in scrape config",
    ),
    ...readLimits(map, global),
    sdConfigs,
  };
  map.done("config.ScrapeConfig");
  return config;
}
