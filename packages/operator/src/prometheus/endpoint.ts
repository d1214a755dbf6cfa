/** The keys that monitors of all kinds share in their jobs. */
import type { HistogramSettings, ProtocolSettings } from "../resources/common.ts";
import type { ScrapeEndpoint } from "../resources/monitors.ts";
import type { CommonPrometheusSpec } from "../resources/prometheus.ts";
import { atLeast, type VersionGate } from "../version.ts";
import { type ClientScope, httpClient, type Yaml } from "./http-client.ts";

/** honor_timestamps and track_timestamps_staleness, under the instance's overrides. */
export function timestamps(
  endpoint: { honorTimestamps?: boolean; trackTimestampsStaleness?: boolean },
  spec: CommonPrometheusSpec,
  gate: VersionGate,
): Yaml {
  const out: Yaml = {};
  gate.set(out, "honor_timestamps", spec.overrideHonorTimestamps ? false : endpoint.honorTimestamps, "2.9.0");
  gate.set(out, "track_timestamps_staleness", endpoint.trackTimestampsStaleness, "2.48.0");
  return out;
}

export function honorLabels(wish: boolean, spec: CommonPrometheusSpec): Yaml {
  return { honor_labels: wish && !spec.overrideHonorLabels };
}

export function request(endpoint: ScrapeEndpoint, scope: ClientScope): Yaml {
  const out: Yaml = {};
  if (endpoint.interval) out.scrape_interval = endpoint.interval;
  if (endpoint.scrapeTimeout) out.scrape_timeout = endpoint.scrapeTimeout;
  if (endpoint.path) out.metrics_path = endpoint.path;
  if (endpoint.params && Object.keys(endpoint.params).length > 0) out.params = endpoint.params;
  if (endpoint.scheme) out.scheme = endpoint.scheme.toLowerCase();
  return { ...out, ...httpClient(endpoint, scope) };
}

/** Protocols to offer, those the version knows. */
export function scrapeProtocols(names: readonly string[] | undefined, gate: VersionGate): Yaml {
  if (!names?.length || !gate.allows("scrape_protocols", "2.49.0")) return {};
  const text1 = "PrometheusText1.0.0";
  return {
    scrape_protocols: names.filter((name) => name !== text1 || gate.allows(`scrapeProtocol=${text1}`, "3.0.0-rc.0")),
  };
}

export function protocols(settings: ProtocolSettings, shared: string | undefined, gate: VersionGate): Yaml {
  const out = scrapeProtocols(settings.scrapeProtocols, gate);
  gate.set(out, "fallback_scrape_protocol", settings.fallbackScrapeProtocol ?? shared, "3.0.0");
  return out;
}

export function histograms(settings: HistogramSettings, gate: VersionGate): Yaml {
  const out: Yaml = {};
  const factor = settings.nativeHistogramMinBucketFactor;
  gate.set(out, "scrape_native_histograms", settings.scrapeNativeHistograms, "3.8.0");
  gate.set(out, "native_histogram_bucket_limit", settings.nativeHistogramBucketLimit, "2.45.0");
  gate.set(
    out,
    "native_histogram_min_bucket_factor",
    factor === undefined ? undefined : quantityNumber(factor),
    "2.50.0",
  );
  const classic = atLeast(gate.version, "3.0.0-0") ? "always_scrape_classic_histograms" : "scrape_classic_histograms";
  gate.set(out, classic, settings.scrapeClassicHistograms, "2.45.0");
  gate.set(out, "convert_classic_histograms_to_nhcb", settings.convertClassicHistogramsToNHCB, "3.0.0");
  return out;
}

const SUFFIXES: Record<string, number> = {
  n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
}; // biome-ignore format: a table

/** A Kubernetes quantity as number: "1.1", "500m", "2Gi". NaN when it is none. */
export function quantityNumber(quantity: number | string): number {
  if (typeof quantity === "number") return quantity;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]i?|)$/.exec(quantity.trim());
  const factor = match && SUFFIXES[match[2]];
  return match && factor !== undefined && factor !== null ? Number(match[1]) * factor : Number.NaN;
}
