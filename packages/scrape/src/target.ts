/** From what discovery found to what is scraped: labels before and after relabelling (upstream's scrape.PopulateLabels). */
import { createHash } from "node:crypto";
import { formatDuration, type Labels, LabelsBuilder, parseDuration, type TargetGroup, UserError } from "@pharos/model";
import { relabelBuilder } from "@pharos/relabel";
import type { ScrapeConfig } from "./config.ts";
import type { HistogramChoice } from "./sample-writer.ts";

export interface TargetSpec {
  /** Identity: two targets of a pool with the same key are one. */
  key: string;
  discoveredLabels: Labels;
  labels: Labels;
  url: string;
  /** Path of the socket to connect to instead of the URL's host; "" for none. */
  unixSocket: string;
  /** ms */
  interval: number;
  /** ms */
  timeout: number;
  histograms: HistogramChoice;
}

export interface DroppedTarget {
  scrapePool: string;
  discoveredLabels: Labels;
}

const NATIVE = "__scrape_native_histograms__";
const KEEP_CLASSIC = "__always_scrape_classic_histograms__";
const CONVERT = "__convert_classic_histograms_to_nhcb__";
/** Labels that are switches, and what upstream calls them in complaints. */
const SWITCHES: readonly (readonly [label: string, what: string])[] = [
  [CONVERT, "convert classic histograms to nhcb"],
  [KEEP_CLASSIC, "always scrape classic histograms"],
  [NATIVE, "scrape native histograms"],
];

/** What the job sets where discovery did not, and the labels of the group and the target. */
function discovered(config: ScrapeConfig, group: TargetGroup, target: Record<string, string>): LabelsBuilder {
  const labels = new LabelsBuilder(Object.entries({ ...group.labels, ...target }));
  const fallback = (name: string, value: string): void => {
    if (labels.get(name) === "") labels.set(name, value);
  };
  fallback("job", config.jobName);
  fallback("__scrape_interval__", formatDuration(config.scrapeInterval));
  fallback("__scrape_timeout__", formatDuration(config.scrapeTimeout));
  fallback("__metrics_path__", config.metricsPath);
  fallback("__scheme__", config.scheme);
  fallback(CONVERT, String(config.convertClassicHistograms));
  fallback(KEEP_CLASSIC, String(config.alwaysScrapeClassicHistograms));
  fallback(NATIVE, String(config.scrapeNativeHistograms));
  for (const [name, values] of Object.entries(config.params))
    if (values.length > 0) fallback(`__param_${name}`, values[0]);
  return labels;
}

function duration(text: string, what: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new UserError("scrape.target", `error parsing ${what}: ${(error as Error).message}`);
  }
  if (ms === 0) throw new UserError("scrape.target", `${what} cannot be 0`);
  return ms;
}

/** strconv.ParseBool; undefined for what is none. */
function parseBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  return ["0", "f", "F", "false", "FALSE", "False"].includes(text) ? false : undefined;
}

function urlOf(labels: LabelsBuilder, config: ScrapeConfig): string {
  const params = new Map(Object.entries(config.params).map(([name, values]) => [name, [...values]]));
  for (const [name, value] of labels.entries()) {
    if (!name.startsWith("__param_")) continue;
    // The label stands for the first value; further ones come from the configuration.
    const key = name.slice("__param_".length);
    params.set(key, [value, ...(params.get(key) ?? []).slice(1)]);
  }
  const query = new URLSearchParams();
  for (const key of [...params.keys()].sort()) for (const value of params.get(key)!) query.append(key, value);
  const text = query.toString().replaceAll("%7E", "~");
  const path = encodeURI(labels.get("__metrics_path__")).replaceAll("?", "%3F").replaceAll("#", "%23");
  const slash = path === "" || path.startsWith("/") ? "" : "/";
  return `${labels.get("__scheme__")}://${labels.get("__address__")}${slash}${path}${text === "" ? "" : `?${text}`}`;
}

function checkHistograms(labels: LabelsBuilder): HistogramChoice {
  const choice = new Map<string, boolean>();
  for (const [name, what] of SWITCHES) {
    const text = labels.get(name);
    const value = text === "" ? false : parseBool(text);
    if (value === undefined) {
      throw new UserError(
        "scrape.target",
        `error parsing ${what}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    }
    choice.set(name, value);
  }
  return {
    scrapeNativeHistograms: choice.get(NATIVE)!,
    keepClassic: choice.get(KEEP_CLASSIC)!,
    convertClassicHistograms: choice.get(CONVERT)!,
  };
}

/** The target; `dropped` when relabelling dropped it. A UserError when it cannot be one. */
export function buildTarget(
  config: ScrapeConfig,
  group: TargetGroup,
  target: Record<string, string>,
): TargetSpec | { dropped: Labels } {
  const labels = discovered(config, group, target);
  const discoveredLabels = labels.build();
  if (!relabelBuilder(labels, config.relabelConfigs)) return { dropped: discoveredLabels };
  const address = labels.get("__address__");
  if (address === "")
    throw new UserError("scrape.target", "no address", { fix: "The target needs a label __address__" });
  if (address.includes("/")) {
    throw new UserError("scrape.target", `${JSON.stringify(address)} is not a valid hostname`, {
      fix: "Give host:port in __address__, the path in __metrics_path__",
    });
  }
  const interval = duration(labels.get("__scrape_interval__"), "scrape interval");
  const timeout = duration(labels.get("__scrape_timeout__"), "scrape timeout");
  if (timeout > interval) {
    throw new UserError(
      "scrape.target",
      `scrape timeout cannot be greater than scrape interval ("${formatDuration(timeout)}" > "${formatDuration(interval)}")`,
    );
  }
  const histograms = checkHistograms(labels);
  for (const [name] of labels.entries()) if (name.startsWith("__meta_")) labels.delete(name);
  if (labels.get("instance") === "") labels.set("instance", address);
  for (const [name, value] of labels.entries()) {
    if (!value.isWellFormed()) {
      throw new UserError("scrape.target", `invalid label value for ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    }
  }
  const url = urlOf(labels, config);
  const full = labels.build();
  const final = full.filter((name) => !name.startsWith("__"));
  // Without any label left a target would write into everybody's series.
  if (final.size === 0) return { dropped: discoveredLabels };
  return {
    key: `${url}\u00ff${full.key()}`,
    discoveredLabels,
    labels: final,
    url,
    unixSocket: full.get("__unix_socket__"),
    interval,
    timeout,
    histograms,
  };
}

/** When in its interval a target is scraped, in ms: spread by its identity and the seed of this server. */
export function scrapeOffset({ key, interval }: TargetSpec, seed: string, now: number): number {
  const hash = Number(createHash("sha256").update(seed).update(key).digest().readBigUInt64BE(0) % BigInt(interval));
  return (interval + hash - (now % interval)) % interval;
}
