/**
 * Alerts about requests through an Istio mesh, and about its control plane. Requests are told by both ends: only what the
 * serving side tells is counted.
 */
import type { Settings } from "../params.ts";
import { alert, type Rule, type RuleSet } from "../types.ts";

export function mesh({ by, job, limit }: Settings): RuleSet {
  const m = job.mesh;
  const workload = by("destination_workload", "destination_workload_namespace");
  const where = "{{ $labels.destination_workload_namespace }}/{{ $labels.destination_workload }}";
  const errors = (name: string, codes: string, threshold: number, what: string): Rule => {
    const rate = (more: string): string => `sum by (${workload}) (rate(istio_requests_total{${m}${more}}[5m]))`;
    return alert(name, {
      severity: "warning",
      for: "5m",
      expr: `${rate(`,response_code=~"${codes}"`)} / ${rate("")} > ${threshold}`,
      summary: `A workload of the mesh answers with ${what}.`,
      description: `{{ $value | humanizePercentage }} of the requests to ${where} end with ${what}.`,
    });
  };
  return {
    name: "mesh-rules",
    groups: [
      {
        name: "istio.mesh",
        rules: [
          // Code 0 is Envoy's for a request that got no answer at all.
          errors("IstioHigh5xxResponseRate", "5..|0", limit.meshErrors, "server errors"),
          errors("IstioHigh4xxResponseRate", "4..", 2 * limit.meshErrors, "client errors"),
          alert("IstioHighRequestLatency", {
            severity: "warning",
            for: "5m",
            expr: `
              histogram_quantile(0.99, sum by (${workload}, le) (
                rate(istio_request_duration_milliseconds_bucket{${m},response_code!~"101|0"}[5m]))) > ${limit.meshLatencyMs}`,
            summary: "A workload of the mesh is slow.",
            description: `The slowest 1% of the requests to ${where} take {{ printf "%.0f" $value }} ms.`,
          }),
        ],
      },
      {
        name: "istio.control-plane",
        rules: [
          alert("IstiodDown", {
            severity: "critical",
            for: "10m",
            expr: `absent(up{${job.istiod}} == 1)`,
            summary: "Istio's control plane cannot be scraped.",
            description: `No instance of istiod has answered for ten minutes: proxies run on with what they know, and new pods get
              no configuration.`,
          }),
          alert("IstioPilotXdsRejects", {
            severity: "warning",
            for: "5m",
            expr: `sum by (${by("type")}) (rate(pilot_total_xds_rejects{${job.istiod}}[5m])) > 0`,
            summary: "Proxies reject the configuration that they are sent.",
            description: "Proxies reject configuration of type {{ $labels.type }}.",
          }),
          alert("IstioPilotXdsInternalErrors", {
            severity: "warning",
            for: "5m",
            expr: `sum by (${by()}) (rate(pilot_total_xds_internal_errors{${job.istiod}}[5m])) > 0`,
            summary: "Istio's control plane has internal errors.",
            description: `istiod has {{ printf "%.3g" $value }} internal errors a second while it makes configuration.`,
          }),
          alert("IstioPilotPushSlow", {
            severity: "warning",
            for: "15m",
            expr: `
              histogram_quantile(0.99, sum by (${by("le")}) (
                rate(pilot_proxy_convergence_time_bucket{${job.istiod}}[5m]))) > 30`,
            summary: "Changes reach the proxies slowly.",
            description: `The slowest 1% of changes take {{ $value | humanizeDuration }} from istiod to the proxies.`,
          }),
          alert("IstioGalleyValidationFailed", {
            severity: "info",
            expr: `sum by (${by("reason")}) (increase(galley_validation_failed{${job.istiod}}[10m])) > 0`,
            summary: "Somebody tried to apply an Istio resource that is not valid.",
            description: `{{ printf "%.0f" $value }} resources were refused within ten minutes: {{ $labels.reason }}.`,
          }),
        ],
      },
    ],
  };
}
