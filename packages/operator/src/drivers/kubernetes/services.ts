/** The governing Services: headless, one a kind and namespace, shared by all instances of the kind there. */
import type { KubeObject } from "@pharos/kube";
import type { Open, WorkloadSpec } from "../../resources/workload.ts";
import type { DesiredInstance, InstanceKind } from "../driver.ts";
import { governingService, ownerOf, selectorLabels } from "./names.ts";
import type { WorkloadOptions } from "./options.ts";

const LABEL: Record<InstanceKind, string> = {
  Prometheus: "operated-prometheus",
  PrometheusAgent: "operated-prometheus",
  Alertmanager: "operated-alertmanager",
  ThanosRuler: "operated-thanos-ruler",
};

function portsOf({ kind, resource }: DesiredInstance): Open[] {
  const spec = resource.spec as WorkloadSpec & { thanos?: unknown };
  const web = spec.portName || "web";
  const port = (name: string, number: number, targetPort: string, protocol = "TCP"): Open => ({
    name,
    port: number,
    targetPort,
    protocol,
  });
  switch (kind) {
    case "Alertmanager":
      return [port(web, 9093, web), port("tcp-mesh", 9094, "mesh-tcp"), port("udp-mesh", 9094, "mesh-udp", "UDP")];
    case "ThanosRuler":
      return [port(web, 10902, web), port("grpc", 10901, "grpc")];
    default:
      return [port(web, 9090, web), ...(spec.thanos ? [port("grpc", 10901, "grpc")] : [])];
  }
}

/** Undefined where the resource names a Service of its own. */
export function operatedService(desired: DesiredInstance, options: WorkloadOptions): KubeObject | undefined {
  const { kind, resource } = desired;
  if ((resource.spec as WorkloadSpec).serviceName) return undefined;
  const { "app.kubernetes.io/name": application } = selectorLabels(kind, "");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: governingService(kind),
      namespace: resource.metadata.namespace,
      labels: { [LABEL[kind]]: "true", ...options.labels },
      ...(Object.keys(options.annotations).length > 0 ? { annotations: options.annotations } : {}),
      // Several instances own it; it goes with the last of them.
      ownerReferences: [ownerOf(resource, false)],
    },
    spec: {
      clusterIP: "None",
      ports: portsOf(desired),
      selector: { "app.kubernetes.io/name": application },
      // Replicas of Alertmanager must find each other before any of them is ready.
      ...(kind === "Alertmanager" ? { publishNotReadyAddresses: true } : {}),
    },
  } as KubeObject;
}
