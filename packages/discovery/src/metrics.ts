/** Self-metrics of discovery, under upstream's names. */
import type { Counter, Gauge, Registry } from "@pharos/kit";

export interface DiscoveryMetrics {
  failedConfigs: Gauge;
  discoveredTargets: Gauge;
  receivedUpdates: Counter;
  updates: Counter;
  lastUpdate: Gauge;
  refreshFailures: Counter;
  dnsLookups: Counter;
  dnsLookupFailures: Counter;
  fileReadErrors: Counter;
  httpFailures: Counter;
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
    lastUpdate: gauge("last_update_timestamp_seconds", "Timestamp of the last update sent to the SD consumers.", [
      "name",
      "config",
    ]),
    refreshFailures: counter("refresh_failures_total", "Number of refresh failures for the given SD mechanism.", [
      "mechanism",
      "config",
    ]),
    dnsLookups: counter("dns_lookups_total", "The number of DNS-SD lookups."),
    dnsLookupFailures: counter("dns_lookup_failures_total", "The number of DNS-SD lookup failures."),
    fileReadErrors: counter("file_read_errors_total", "The number of File-SD read errors."),
    httpFailures: counter("http_failures_total", "Number of HTTP service discovery refresh failures."),
    kubernetesEvents: counter("kubernetes_events_total", "The number of Kubernetes events handled.", ["role", "event"]),
    kubernetesFailures: counter("kubernetes_failures_total", "The number of failed WATCH/LIST requests."),
  };
  made.set(registry, metrics);
  return metrics;
}
