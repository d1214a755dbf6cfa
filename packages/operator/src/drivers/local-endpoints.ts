/** A process on this machine as endpoint of a Service, so that discovery finds it as it would find a Pod. */
import type { KubeClient } from "@pharos/kube";

export const SERVICES = { group: "", version: "v1", plural: "services", namespaced: true } as const;
export const ENDPOINT_SLICES = {
  group: "discovery.k8s.io",
  version: "v1",
  plural: "endpointslices",
  namespaced: true,
} as const;

export interface LocalEndpoint {
  namespace: string;
  service: string;
  labels: Record<string, string>;
  /** Name of the EndpointSlice. */
  slice: string;
  /** Name of the Pod it stands for; its targets get it as `pod` label. */
  pod: string;
  address: string;
  port: number;
  portName?: string;
}

/** Scrapers on this machine cannot dial "every interface". */
function dialable(address: string): string {
  if (address === "0.0.0.0" || address === "" || address === "localhost") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}

export async function publishEndpoint(
  client: KubeClient,
  fieldManager: string,
  endpoint: LocalEndpoint,
): Promise<void> {
  const { namespace, service, labels, slice, pod, port, portName = "web" } = endpoint;
  const address = dialable(endpoint.address);
  const managed = { "app.kubernetes.io/managed-by": "pharos" };
  await client.apply(
    SERVICES,
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: service, namespace, labels: { ...labels, ...managed } },
      spec: { clusterIP: "None", ports: [{ name: portName, port, protocol: "TCP", targetPort: port }] },
    },
    { fieldManager, force: true },
  );
  await client.apply(
    ENDPOINT_SLICES,
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: slice, namespace, labels: { "kubernetes.io/service-name": service, ...labels, ...managed } },
      addressType: address.includes(":") ? "IPv6" : "IPv4",
      endpoints: [
        { addresses: [address], conditions: { ready: true }, targetRef: { kind: "Pod", name: pod, namespace } },
      ],
      ports: [{ name: portName, port, protocol: "TCP" }],
    },
    { fieldManager, force: true },
  );
}

export async function withdrawEndpoint(client: KubeClient, namespace: string, slice: string): Promise<void> {
  await client.delete(ENDPOINT_SLICES, { namespace, name: slice });
}
