/** What the Prometheus of an installation scrapes besides Pharos' own components: kubelets and the API server. */
import type { KubeObject } from "@pharos/kube";
import { labelsOf } from "./workload.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

function monitor(name: string, namespace: string, spec: object): KubeObject {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name, namespace, labels: labelsOf(name) },
    spec,
  };
}

/** Rules tell the three pages of a kubelet apart by this label. */
const PATH_LABEL = [{ sourceLabels: ["__metrics_path__"], targetLabel: "metrics_path" }];

/** `service`: as namespace/name, where the operator publishes the kubelets. */
export function kubeletMonitor(namespace: string, service: string): KubeObject {
  const endpoint = (path: string) => ({
    port: "https-metrics",
    scheme: "https",
    path,
    interval: "30s",
    honorLabels: true,
    bearerTokenFile: `${ACCOUNT}/token`,
    // Kubelets sign their certificates themselves unless a cluster is set up otherwise.
    tlsConfig: { insecureSkipVerify: true },
    relabelings: PATH_LABEL,
  });
  return monitor("kubelet", namespace, {
    jobLabel: "app.kubernetes.io/name",
    namespaceSelector: { matchNames: [service.split("/")[0]] },
    selector: { matchLabels: { "app.kubernetes.io/name": "kubelet" } },
    endpoints: [
      endpoint("/metrics"),
      {
        ...endpoint("/metrics/cadvisor"),
        // Its samples carry the time of their measurement, which makes them come back after a container is gone.
        honorTimestamps: false,
        metricRelabelings: [
          {
            action: "drop",
            sourceLabels: ["__name__"],
            regex: "container_(tasks_state|memory_failures_total|blkio_.+)",
          },
          // Sums over several pods without the pod's name help nobody and cost a series each.
          {
            action: "drop",
            sourceLabels: ["__name__", "pod"],
            regex: "container_(fs_.+|spec_.+|file_descriptors|sockets|threads.*);",
          },
        ],
      },
      endpoint("/metrics/probes"),
    ],
  });
}

export function apiServerMonitor(namespace: string): KubeObject {
  return monitor("apiserver", namespace, {
    jobLabel: "component",
    namespaceSelector: { matchNames: ["default"] },
    selector: { matchLabels: { component: "apiserver", provider: "kubernetes" } },
    endpoints: [
      {
        port: "https",
        scheme: "https",
        interval: "30s",
        bearerTokenFile: `${ACCOUNT}/token`,
        tlsConfig: { caFile: `${ACCOUNT}/ca.crt`, serverName: "kubernetes" },
        metricRelabelings: [
          // Half of the series of a cluster, for buckets nobody looks at.
          {
            action: "drop",
            sourceLabels: ["__name__"],
            regex: "(etcd_request|apiserver_request_slo|apiserver_watch_events|workqueue_(queue|work))_?.*_bucket",
          },
          // The rules about the service level need the buckets of 1, 5 and 30 seconds, and people's eyes a few more.
          {
            action: "drop",
            sourceLabels: ["__name__", "le"],
            regex:
              "apiserver_request_sli_duration_seconds_bucket;(0[.][268]|1[.](25|5)|[3468]([.]0)?|15([.]0)?|20([.]0)?|45([.]0)?)",
          },
        ],
      },
    ],
  });
}

/** A component of ours that the resources out of the box have no monitor of. */
export function componentMonitor(name: string, namespace: string): KubeObject {
  return monitor(name, namespace, {
    jobLabel: "app.kubernetes.io/name",
    selector: { matchLabels: { "app.kubernetes.io/name": name } },
    endpoints: [{ port: "web", interval: "30s" }],
  });
}
