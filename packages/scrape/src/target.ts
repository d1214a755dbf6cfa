/** From what discovery found to what is scraped: labels before and after relabelling (upstream's scrape.PopulateLabels). */
import { createHash } from "node:crypto";
import { formatDuration, type Labels, LabelsBuilder, parseDuration, type TargetGroup, UserError } from "@pharos/model";
import { relabelBuilder } from "@pharos/relabel";
import type { ScrapeConfig } from "./config.ts";

export interface TargetSpec {
  /** Identity: two targets of a pool with the same key are one. */
  key: string;
  discoveredLabels: Labels;
  labels: Labels;
  url: string;
  /** ms */
  interval: number;
  /** ms */
  timeout: number;
}

export interface DroppedTarget {
  scrapePool: string;
  discoveredLabels: Labels;
}

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
  for (const [name, values] of Object.entries(config.params))
    if (values.length > 0) fallback(`__param_${name}`, values[0]);
  return labels;
}

function duration(text: string, what: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UserError("scrape.target", `error parsing ${what}: ${(error as Error).message}`);
  }
}

function urlOf(labels: LabelsBuilder, config: ScrapeConfig): string {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(config.params)) for (const value of values) params.append(name, value);
  for (const [name, value] of labels.entries()) {
    if (!name.startsWith("__param_")) continue;
    const key = name.slice("__param_".length);
    // The label stands for the first value; further ones come from the configuration.
    const rest = params.getAll(key).slice(1);
    params.delete(key);
    for (const item of [value, ...rest]) params.append(key, item);
  }
  params.sort();
  const query = params.toString();
  const path = labels.get("__metrics_path__");
  const url = `${labels.get("__scheme__")}://${labels.get("__address__")}${path.startsWith("/") ? "" : "/"}${path}`;
  return query === "" ? url : `${url}${path.includes("?") ? "&" : "?"}${query}`;
}

/** The target; `dropped` when relabelling dropped it. A UserError when it cannot be scraped. */
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
  const scheme = labels.get("__scheme__");
  if (scheme !== "http" && scheme !== "https")
    throw new UserError("scrape.target", `invalid scheme: ${JSON.stringify(scheme)}`);
  if (!URL.canParse(`${scheme}://${address}/`) || /[/?#@]/.test(address)) {
    throw new UserError("scrape.target", `${JSON.stringify(address)} is not a valid hostname`);
  }
  const interval = duration(labels.get("__scrape_interval__"), "scrape interval");
  const timeout = duration(labels.get("__scrape_timeout__"), "scrape timeout");
  if (interval === 0 || timeout === 0) throw new UserError("scrape.target", "scrape interval and timeout cannot be 0");
  if (timeout > interval) {
    throw new UserError(
      "scrape.target",
      `scrape timeout cannot be greater than scrape interval ("${formatDuration(timeout)}" > "${formatDuration(interval)}")`,
    );
  }
  for (const [name] of labels.entries()) if (name.startsWith("__meta_")) labels.delete(name);
  if (labels.get("instance") === "") labels.set("instance", address);
  const url = urlOf(labels, config);
  const full = labels.build();
  for (const [name] of labels.entries()) if (name.startsWith("__")) labels.delete(name);
  const final = labels.build();
  return { key: `${url}\u00ff${full.key()}`, discoveredLabels, labels: final, url, interval, timeout };
}

/** When in its interval a target is scraped, in ms: spread by its identity and the seed of this server. */
export function scrapeOffset({ key, interval }: TargetSpec, seed: string, now: number): number {
  const hash = Number(createHash("sha256").update(seed).update(key).digest().readBigUInt64BE(0) % BigInt(interval));
  return (interval + hash - (now % interval)) % interval;
}
