/** The keys that service monitors, pod monitors and probes share in their jobs. */
import type { AssetStore } from "../assets.ts";
import type { HistogramSettings, PrometheusSpec, ScrapeEndpoint } from "../resources/types.ts";
import { atLeast } from "../version.ts";
import { httpClient, type Yaml } from "./http-client.ts";

/** honor_labels, honor_timestamps and track_timestamps_staleness, under the instance's overrides. */
export function honor(endpoint: ScrapeEndpoint, spec: PrometheusSpec, version: string): Yaml {
  const out: Yaml = { honor_labels: spec.overrideHonorLabels ? false : (endpoint.honorLabels ?? false) };
  const timestamps = spec.overrideHonorTimestamps ? false : endpoint.honorTimestamps;
  if (timestamps !== undefined) out.honor_timestamps = timestamps;
  if (endpoint.trackTimestampsStaleness !== undefined && atLeast(version, "2.48.0")) {
    out.track_timestamps_staleness = endpoint.trackTimestampsStaleness;
  }
  return out;
}

export function request(endpoint: ScrapeEndpoint, namespace: string, assets: AssetStore, version: string): Yaml {
  const out: Yaml = {};
  if (endpoint.interval) out.scrape_interval = endpoint.interval;
  if (endpoint.scrapeTimeout) out.scrape_timeout = endpoint.scrapeTimeout;
  if (endpoint.path) out.metrics_path = endpoint.path;
  if (endpoint.params && Object.keys(endpoint.params).length > 0) out.params = endpoint.params;
  if (endpoint.scheme) out.scheme = endpoint.scheme.toLowerCase();
  if (endpoint.followRedirects !== undefined && atLeast(version, "2.26.0"))
    out.follow_redirects = endpoint.followRedirects;
  if (endpoint.enableHttp2 !== undefined && atLeast(version, "2.35.0")) out.enable_http2 = endpoint.enableHttp2;
  return { ...out, ...httpClient(endpoint, namespace, assets, version) };
}

export function protocols(
  settings: HistogramSettings & { scrapeProtocols?: string[]; fallbackScrapeProtocol?: string },
  version: string,
): Yaml {
  const out: Yaml = {};
  if (settings.scrapeProtocols?.length && atLeast(version, "2.49.0")) {
    out.scrape_protocols = settings.scrapeProtocols.filter(
      (name) => name !== "PrometheusText1.0.0" || atLeast(version, "3.0.0"),
    );
  }
  if (settings.fallbackScrapeProtocol && atLeast(version, "3.0.0")) {
    out.fallback_scrape_protocol = settings.fallbackScrapeProtocol;
  }
  return out;
}

export function histograms(settings: HistogramSettings, version: string): Yaml {
  const out: Yaml = {};
  if (settings.scrapeNativeHistograms !== undefined && atLeast(version, "3.8.0")) {
    out.scrape_native_histograms = settings.scrapeNativeHistograms;
  }
  if (settings.scrapeClassicHistograms !== undefined && atLeast(version, "2.45.0")) {
    out[atLeast(version, "3.0.0") ? "always_scrape_classic_histograms" : "scrape_classic_histograms"] =
      settings.scrapeClassicHistograms;
  }
  if (settings.nativeHistogramBucketLimit !== undefined && atLeast(version, "2.45.0")) {
    out.native_histogram_bucket_limit = settings.nativeHistogramBucketLimit;
  }
  if (settings.nativeHistogramMinBucketFactor !== undefined && atLeast(version, "2.50.0")) {
    out.native_histogram_min_bucket_factor = Number(settings.nativeHistogramMinBucketFactor);
  }
  if (settings.convertClassicHistogramsToNHCB !== undefined && atLeast(version, "3.0.0")) {
    out.convert_classic_histograms_to_nhcb = settings.convertClassicHistogramsToNHCB;
  }
  return out;
}
