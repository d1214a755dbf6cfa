/**
 * The kubelets of all nodes as one headless Service, so that a ServiceMonitor finds them like anything else: Nodes →
 * Endpoints and EndpointSlices.
 */
import { isIPv6 } from "node:net";
import type { KubeObject } from "@pharos/kube";

export interface Node extends KubeObject {
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string }[];
  };
}

export interface KubeletOptions {
  namespace: string;
  /** Name of the Service. */
  name: string;
  /** Which address of a node is asked first. */
  addressPriority: "internal" | "external";
  /** Also the port without TLS. */
  httpMetrics: boolean;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface KubeletAddress {
  address: string;
  node: { name: string; uid: string };
}

/** The API takes no more endpoints in one slice. */
const MAX_SLICE = 512;

const LABELS = {
  "k8s-app": "kubelet",
  "app.kubernetes.io/name": "kubelet",
  "app.kubernetes.io/managed-by": "prometheus-operator",
} as const;

function ports({ httpMetrics }: KubeletOptions) {
  return [
    { name: "https-metrics", port: 10250, protocol: "TCP" },
    ...(httpMetrics ? [{ name: "http-metrics", port: 10255, protocol: "TCP" }] : []),
    { name: "cadvisor", port: 4194, protocol: "TCP" },
  ];
}

function addressOf({ status }: Node, priority: KubeletOptions["addressPriority"]): string | undefined {
  const order = priority === "internal" ? ["InternalIP", "ExternalIP"] : ["ExternalIP", "InternalIP"];
  for (const type of order) {
    const found = status?.addresses?.find((entry) => entry.type === type);
    if (found) return found.address;
  }
  return undefined;
}

/** A node nobody has heard of for a while; its address may be another node's by now. */
function isLost({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "Unknown") ?? false;
}

/** Addresses in order of the nodes' names, and the nodes that have none. */
export function kubeletAddresses(nodes: readonly Node[], options: KubeletOptions) {
  const addresses = new Map<string, KubeletAddress & { lost: boolean }>();
  const without: string[] = [];
  const sorted = [...nodes].sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  for (const node of sorted) {
    const name = node.metadata.name ?? "";
    const address = addressOf(node, options.addressPriority);
    if (!address) {
      without.push(name);
      continue;
    }
    const known = addresses.get(address);
    const lost = isLost(node);
    if (known && (lost || !known.lost)) continue;
    addresses.set(address, { address, node: { name, uid: node.metadata.uid ?? "" }, lost });
  }
  const list = [...addresses.values()].sort((a, b) => (a.node.name < b.node.name ? -1 : 1));
  return { addresses: list.map(({ lost: _lost, ...entry }) => entry), without };
}

function metadata({ namespace, labels, annotations }: KubeletOptions, own: string, more: Record<string, string> = {}) {
  return {
    name: own,
    namespace,
    labels: { ...labels, ...LABELS, ...more },
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

export function kubeletService(options: KubeletOptions): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(options, options.name),
    spec: { type: "ClusterIP", clusterIP: "None", ports: ports(options) },
  } as KubeObject;
}

const reference = ({ node }: KubeletAddress) => ({ apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid });

/** `mirrored`: slices are written as well, so the cluster must not make them from this. */
export function kubeletEndpoints(
  addresses: readonly KubeletAddress[],
  options: KubeletOptions,
  mirrored: boolean,
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: metadata(options, options.name, mirrored ? { "endpointslice.kubernetes.io/skip-mirror": "true" } : {}),
    subsets:
      addresses.length === 0
        ? []
        : [
            {
              addresses: addresses.map((entry) => ({ ip: entry.address, targetRef: reference(entry) })),
              ports: ports(options),
            },
          ],
  } as KubeObject;
}

/** By address family, since one slice holds one; always the same nodes in the same slice as long as none goes or comes. */
export function kubeletSlices(addresses: readonly KubeletAddress[], options: KubeletOptions): KubeObject[] {
  return (["IPv4", "IPv6"] as const).flatMap((addressType) => {
    const own = addresses.filter(({ address }) => isIPv6(address) === (addressType === "IPv6"));
    return Array.from({ length: Math.ceil(own.length / MAX_SLICE) }, (_, i) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: metadata(options, `${options.name}-${addressType.toLowerCase()}-${i}`, {
        "kubernetes.io/service-name": options.name,
        "endpointslice.kubernetes.io/managed-by": "prometheus-operator",
      }),
      addressType,
      endpoints: own.slice(i * MAX_SLICE, (i + 1) * MAX_SLICE).map((entry) => ({
        addresses: [entry.address],
        conditions: { ready: true },
        nodeName: entry.node.name,
        targetRef: reference(entry),
      })),
      ports: ports(options),
    })) as unknown as KubeObject[];
  });
}
