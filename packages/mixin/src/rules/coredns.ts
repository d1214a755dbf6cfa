/** Alerts about the cluster's DNS. */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function coredns({ by, job, limit }: Settings): RuleSet {
  const c = job.coredns;
  const errors = (severity: "warning" | "critical", threshold: number): Rule => {
    const rate = (more: string): string => `sum by (${by("job")}) (rate(coredns_dns_responses_total{${c}${more}}[5m]))`;
    return alert("CoreDNSErrorsHigh", {
      severity,
      for: "10m",
      expr: `${rate(',rcode="SERVFAIL"')} / ${rate("")} > ${threshold}`,
      summary: "CoreDNS fails to answer.",
      description: `CoreDNS answers {{ $value | humanizePercentage }} of its requests with SERVFAIL.`,
    });
  };
  const forwardErrors = (severity: "warning" | "critical", threshold: number): Rule => {
    const rate = (more: string): string => `
      sum by (${by("job", "to")}) (rate(coredns_proxy_request_duration_seconds_count{${c},proxy_name="forward"${more}}[5m]))`;
    return alert("CoreDNSForwardErrorsHigh", {
      severity,
      for: "10m",
      expr: `${rate(',rcode="SERVFAIL"')} / ${rate("")} > ${threshold}`,
      summary: "The DNS server behind CoreDNS fails to answer.",
      description: `{{ $labels.to }} answers {{ $value | humanizePercentage }} of what CoreDNS asks it with SERVFAIL.`,
    });
  };
  return {
    name: "coredns-rules",
    groups: [
      {
        name: "coredns",
        rules: [
          alert("CoreDNSDown", {
            severity: "critical",
            for: "15m",
            expr: `absent(up{${c}} == 1)`,
            summary: "CoreDNS cannot be scraped.",
            description:
              "No instance of CoreDNS has answered for 15 minutes: names may not be resolved in the cluster.",
          }),
          alert("CoreDNSLatencyHigh", {
            severity: "critical",
            for: "10m",
            expr: `
              histogram_quantile(0.99, sum by (${by("job", "server", "zone", "le")}) (
                rate(coredns_dns_request_duration_seconds_bucket{${c}}[5m]))) > ${limit.corednsLatency}`,
            summary: "CoreDNS is slow.",
            description: `The slowest 1% of the requests for zone {{ $labels.zone }} take {{ $value | humanizeDuration }} at
              {{ $labels.server }}.`,
          }),
          errors("warning", limit.corednsErrorsWarning),
          errors("critical", limit.corednsErrorsCritical),
          alert("CoreDNSPanics", {
            severity: "warning",
            expr: `increase(coredns_panics_total{${c}}[15m]) > 0`,
            summary: "CoreDNS panics.",
            description: `CoreDNS at {{ $labels.instance }} panicked {{ printf "%.0f" $value }} times within 15 minutes.`,
          }),
          alert("CoreDNSReloadFailed", {
            severity: "warning",
            expr: `increase(coredns_reload_failed_total{${c}}[15m]) > 0`,
            summary: "CoreDNS could not load its configuration.",
            description: "CoreDNS at {{ $labels.instance }} runs on with the last Corefile that was good.",
          }),
        ],
      },
      {
        name: "coredns_forward",
        rules: [
          alert("CoreDNSForwardLatencyHigh", {
            severity: "critical",
            for: "10m",
            expr: `
              histogram_quantile(0.99, sum by (${by("job", "to", "le")}) (
                rate(coredns_proxy_request_duration_seconds_bucket{${c},proxy_name="forward"}[5m]))) > ${limit.corednsLatency}`,
            summary: "The DNS server behind CoreDNS is slow.",
            description: `The slowest 1% of the requests that CoreDNS sends to {{ $labels.to }} take
              {{ $value | humanizeDuration }}.`,
          }),
          forwardErrors("warning", limit.corednsErrorsWarning),
          forwardErrors("critical", limit.corednsErrorsCritical),
          alert("CoreDNSForwardHealthcheckFailureCount", {
            severity: "warning",
            for: "10m",
            expr: `
              sum by (${by("job", "to")}) (
                rate(coredns_proxy_healthcheck_failures_total{${c},proxy_name="forward"}[5m])) > 0`,
            summary: "The DNS server behind CoreDNS fails its health check.",
            description: "The health check of {{ $labels.to }} fails.",
          }),
          alert("CoreDNSForwardHealthcheckBrokenCount", {
            severity: "warning",
            for: "10m",
            expr: `sum by (${by("job")}) (rate(coredns_forward_healthcheck_broken_total{${c}}[5m])) > 0`,
            summary: "All DNS servers behind CoreDNS fail their health checks.",
            description: "None of the servers that CoreDNS forwards to is well; it asks one at random.",
          }),
        ],
      },
    ],
  };
}
