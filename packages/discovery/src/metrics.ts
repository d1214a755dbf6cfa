/** Self-metrics of discovery, under upstream's names. */
import type { Counter, Gauge, Histogram, Registry, Summary } from "@pharos/kit";
import { ROLES } from "./kubernetes/config.ts";

export interface DiscoveryMetrics {
  failedConfigs: Gauge;
  discoveredTargets: Gauge;
  receivedUpdates: Counter;
  updates: Counter;
  updatesDelayed: Counter;
  lastUpdate: Gauge;
  refreshFailures: Counter;
  refreshDuration: Summary;
  refreshDurationHistogram: Histogram;
  dnsLookups: Counter;
  dnsLookupFailures: Counter;
  fileReadErrors: Counter;
  fileScanDuration: Summary;
  fileMtime: Gauge;
  httpFailures: Counter;
  azureFailures: Counter;
  azureCacheHits: Counter;
  consulRpcFailures: Counter;
  consulRpcDuration: Summary;
  kumaFetchFailures: Counter;
  kumaSkippedUpdates: Counter;
  kumaFetchDuration: Summary;
  linodeFailures: Counter;
  nomadFailures: Counter;
  kubernetesEvents: Counter;
  kubernetesFailures: Counter;
}

/** Scraping and alert sending each have a discovery, in one registry: they differ in the label `name`. */
const made = new WeakMap<Registry, DiscoveryMetrics>();

export function discoveryMetrics(registry: Registry): DiscoveryMetrics {
  const known = made.get(registry);
  if (known) return known;
  const counter = (name: string, help: string, labels: string[] = []) =>
    registry.counter(`prometheus_sd_${name}`, help, labels);
  const gauge = (name: string, help: string, labels: string[]) => registry.gauge(`prometheus_sd_${name}`, help, labels);
  const metrics: DiscoveryMetrics = {
    failedConfigs: gauge("failed_configs", "Current number of service discovery configurations that failed to load.", [
      "name",
    ]),
    discoveredTargets: gauge("discovered_targets", "Current number of discovered targets.", ["name", "config"]),
    receivedUpdates: counter(
      "received_updates_total",
      "Total number of update events received from the SD providers.",
      ["name"],
    ),
    updates: counter("updates_total", "Total number of update events sent to the SD consumers.", ["name"]),
    updatesDelayed: counter(
      "updates_delayed_total",
      "Total number of update events that couldn't be sent immediately.",
      ["name"],
    ),
    lastUpdate: gauge("last_update_timestamp_seconds", "Timestamp of the last update sent to the SD consumers.", [
      "name",
      "config",
    ]),
    refreshFailures: counter("refresh_failures_total", "Number of refresh failures for the given SD mechanism.", [
      "mechanism",
      "config",
    ]),
    refreshDuration: registry.summary(
      "prometheus_sd_refresh_duration_seconds",
      "The duration of a refresh in seconds for the given SD mechanism.",
      ["mechanism", "config"],
    ),
    refreshDurationHistogram: registry.histogram(
      "prometheus_sd_refresh_duration_histogram_seconds",
      "The duration of a refresh for the given SD mechanism.",
      ["mechanism"],
      [0.01, 0.1, 1, 10],
    ),
    azureFailures: counter("azure_failures_total", "Number of Azure service discovery refresh failures."),
    azureCacheHits: counter("azure_cache_hit_total", "Number of cache hit during refresh."),
    consulRpcFailures: counter("consul_rpc_failures_total", "The number of Consul RPC call failures."),
    consulRpcDuration: registry.summary(
      "prometheus_sd_consul_rpc_duration_seconds",
      "The duration of a Consul RPC call in seconds.",
      ["endpoint", "call"],
    ),
    kumaFetchFailures: counter("kuma_fetch_failures_total", "The number of Kuma MADS fetch call failures."),
    kumaSkippedUpdates: counter(
      "kuma_fetch_skipped_updates_total",
      "The number of Kuma MADS fetch calls that result in no updates to the targets.",
    ),
    kumaFetchDuration: registry.summary(
      "prometheus_sd_kuma_fetch_duration_seconds",
      "The duration of a Kuma MADS fetch call.",
    ),
    linodeFailures: counter("linode_failures_total", "Number of Linode service discovery refresh failures."),
    nomadFailures: counter("nomad_failures_total", "Number of nomad service discovery refresh failures."),
    dnsLookups: counter("dns_lookups_total", "The number of DNS-SD lookups."),
    dnsLookupFailures: counter("dns_lookup_failures_total", "The number of DNS-SD lookup failures."),
    fileReadErrors: counter("file_read_errors_total", "The number of File-SD read errors."),
    fileScanDuration: registry.summary(
      "prometheus_sd_file_scan_duration_seconds",
      "The duration of the File-SD scan in seconds.",
    ),
    fileMtime: gauge(
      "file_mtime_seconds",
      "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.",
      ["filename"],
    ),
    httpFailures: counter("http_failures_total", "Number of HTTP service discovery refresh failures."),
    kubernetesEvents: counter("kubernetes_events_total", "The number of Kubernetes events handled.", ["role", "event"]),
    kubernetesFailures: counter("kubernetes_failures_total", "The number of failed WATCH/LIST requests."),
  };
  // Upstream makes these two at once; other label values come with their first use.
  for (const call of ["services", "service"]) metrics.consulRpcDuration.labels("catalog", call);
  // Files are looked at, not watched: nothing of that can fail.
  counter("file_watcher_errors_total", "The number of File-SD errors caused by filesystem watch failures.");
  for (const role of ROLES) {
    for (const event of ["add", "delete", "update"]) metrics.kubernetesEvents.labels(role, event);
  }
  made.set(registry, metrics);
  return metrics;
}
