/**
 * Sums of the mesh's counters over all pods of a workload, as counters that never fall.
 *
 * The sum of raw counters falls when a pod ends, which the rate of the sum takes for a restart of everything: a spike as high as
 * all that was ever counted. So each pod's rate is taken first, where restarts are known, then summed up, and what it makes since
 * the last evaluation is added to the sum of before:
 *
 *   mesh:X:rate   sum without (pod, …) (rate(X[4i]))
 *   workload:X    workload:X of before + mesh:X:rate × the time since
 *
 * for an evaluation interval i. A workload without any pod loses its series, and begins at zero when it is back.
 */
import { formatDuration } from "@pharos/model";

/** Counters of Istio's standard metrics; histograms by their parts. */
const COUNTERS = [
  "istio_requests_total",
  "istio_request_messages_total",
  "istio_response_messages_total",
  "istio_tcp_sent_bytes_total",
  "istio_tcp_received_bytes_total",
  "istio_tcp_connections_opened_total",
  "istio_tcp_connections_closed_total",
  ...["istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"].flatMap((name) =>
    ["bucket", "sum", "count"].map((part) => `${name}_${part}`),
  ),
];

/** What tells pods of a workload apart: labels of their targets. */
const POD_LABELS = ["instance", "pod", "namespace", "container", "endpoint"];

/** Samples a rate is taken over: one that is missed does not matter. */
const SCRAPES = 4;

/** `intervalMs`: of scrapes and of evaluations, which must be the same. */
export function workloadRules(intervalMs: number): { name: string; interval: string; rules: object[] } {
  const window = formatDuration(SCRAPES * intervalMs);
  return {
    name: "mesh.workloads",
    interval: formatDuration(intervalMs),
    rules: COUNTERS.flatMap((name) => {
      const rate = `mesh:${name}:rate`;
      const before = `workload:${name}`;
      return [
        { record: rate, expr: `sum without (${POD_LABELS.join(", ")}) (rate(${name}[${window}]))` },
        {
          record: before,
          expr: `(${rate} * (time() - timestamp(${before})) + ${before}) or ${rate} * ${intervalMs / 1000}`,
        },
      ];
    }),
  };
}
