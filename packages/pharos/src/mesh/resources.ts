/**
 * The mesh's own Prometheus: it scrapes every Istio proxy, keeps little for a short time, and sums up what the proxies of a
 * workload count. The Prometheus `main` federates the sums under the names that the proxies gave them.
 */
import type { KubeObject } from "@pharos/kube";
import { parseDuration } from "@pharos/model";
import { workloadRules } from "./rules.ts";

const MONITORING = "monitoring.coreos.com/v1";
/** Says which Prometheus an object is for: what is the mesh's must not be taken by `main`, which takes everything else. */
const OWNER = "prometheus";
const MESH = { [OWNER]: "mesh" };

/** For the selectors of an instance that takes everything: all but what is the mesh's. */
export const NOT_THE_MESH = { key: OWNER, operator: "NotIn", values: [MESH[OWNER]] };

/** Implied by labels that stay; without them the mesh has a fraction of the series. */
export const DROPPED_LABELS = "^(grpc_response_status|source_version|destination_version|source_app|destination_app)$";

export function isTheMeshs({ metadata }: KubeObject): boolean {
  return metadata.labels?.[OWNER] === MESH[OWNER];
}

export interface MeshOptions {
  namespace: string;
  retention: string;
  /** Of scraping and of summing up. */
  interval: string;
  /** Most samples of one proxy. */
  sampleLimit: number;
  /** Regular expression of labels that series lose. */
  labeldropRegex: string;
  /** Added to the specification of the Prometheus. */
  spec?: object;
}

const labels = { "app.kubernetes.io/part-of": "pharos", "app.kubernetes.io/component": "mesh" };

function prometheus({ namespace, retention, interval, spec }: MeshOptions): KubeObject {
  return {
    apiVersion: MONITORING,
    kind: "Prometheus",
    metadata: { name: "mesh", namespace, labels },
    spec: {
      replicas: 1,
      version: "v3.5.3",
      scrapeInterval: interval,
      evaluationInterval: interval,
      retention,
      serviceDiscoveryRole: "EndpointSlice",
      podMonitorSelector: { matchLabels: MESH },
      ruleSelector: { matchLabels: MESH },
      // What is federated must look as if main had scraped it.
      prometheusExternalLabelName: "",
      replicaExternalLabelName: "",
      ...spec,
    },
  };
}

/** Every container that says by the name of a port that it is a proxy with metrics. */
function proxies({ namespace, sampleLimit, labeldropRegex }: MeshOptions): KubeObject {
  return {
    apiVersion: MONITORING,
    kind: "PodMonitor",
    metadata: { name: "envoy-stats", namespace, labels: { ...labels, ...MESH } },
    spec: {
      namespaceSelector: { any: true },
      selector: { matchExpressions: [{ key: "istio-prometheus-ignore", operator: "DoesNotExist" }] },
      sampleLimit,
      podMetricsEndpoints: [
        {
          path: "/stats/prometheus",
          scheme: "http",
          relabelings: [
            { action: "keep", sourceLabels: ["__meta_kubernetes_pod_container_port_name"], regex: ".*-envoy-prom" },
            { action: "replace", targetLabel: "job", replacement: "envoy-stats" },
          ],
          metricRelabelings: [
            // Other metrics of Envoy cannot be summed up in a way that means something.
            { action: "keep", sourceLabels: ["__name__"], regex: "istio_.*" },
            ...(labeldropRegex ? [{ action: "labeldrop", regex: labeldropRegex }] : []),
          ],
        },
      ],
    },
  };
}

function rules({ namespace, interval }: MeshOptions): KubeObject {
  return {
    apiVersion: MONITORING,
    kind: "PrometheusRule",
    metadata: { name: "mesh-workloads", namespace, labels: { ...labels, ...MESH } },
    spec: { groups: [workloadRules(parseDuration(interval))] },
  };
}

function federation({ namespace, interval }: MeshOptions): KubeObject {
  return {
    apiVersion: MONITORING,
    kind: "ServiceMonitor",
    metadata: { name: "mesh-federation", namespace, labels },
    spec: {
      selector: { matchLabels: { "operated-prometheus": "true" } },
      endpoints: [
        {
          port: "web",
          path: "/federate",
          params: { "match[]": ['{__name__=~"workload:.+"}'] },
          interval,
          honorLabels: true,
          honorTimestamps: true,
          relabelings: [
            // The Service has the pods of all instances; whichever of the two kinds of endpoints they are found by.
            {
              action: "keep",
              sourceLabels: ["endpointslice", "endpoint"].map(
                (kind) => `__meta_kubernetes_${kind}_address_target_name`,
              ),
              separator: "",
              regex: "prometheus-mesh-\\d+",
            },
            { action: "replace", targetLabel: "job", replacement: "mesh-federation" },
          ],
          metricRelabelings: [
            {
              action: "replace",
              sourceLabels: ["__name__"],
              regex: "workload:(.+)",
              targetLabel: "__name__",
              replacement: "$1",
            },
            // They are the labels of the mesh's Prometheus, not of a workload.
            { action: "labeldrop", regex: "namespace|pod|container|endpoint|service|instance" },
          ],
        },
      ],
    },
  };
}

export function meshResources(options: MeshOptions): KubeObject[] {
  return [prometheus(options), proxies(options), rules(options), federation(options)];
}

/** `main` and what it selects, told to leave the mesh's objects alone. */
export function besideMesh(object: KubeObject): KubeObject {
  if (object.kind !== "Prometheus") return object;
  const spec = object.spec as Record<string, { matchExpressions?: object[] } | undefined>;
  const without = (selector: { matchExpressions?: object[] } | undefined) => ({
    ...selector,
    matchExpressions: [...(selector?.matchExpressions ?? []), NOT_THE_MESH],
  });
  return {
    ...object,
    spec: {
      ...(object.spec as object),
      podMonitorSelector: without(spec.podMonitorSelector),
      ruleSelector: without(spec.ruleSelector),
    },
  };
}
