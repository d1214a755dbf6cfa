/** Target groups of each role (upstream's discovery/kubernetes/*.go). */
import type { KubeObject } from "@pharos/kube";
import type { TargetGroup, TargetLabels } from "@pharos/model";
import { address, type Container, containerLabels, objectLabels, type Pod, podLabels } from "./labels.ts";
import type { ObjectCache } from "./objects.ts";

interface Scope {
  cache: ObjectCache;
  attachNode: boolean;
}

function namespaceLabel({ metadata }: KubeObject): TargetLabels {
  return { __meta_kubernetes_namespace: metadata.namespace ?? "" };
}

function nodeLabels(name: string | undefined, { cache, attachNode }: Scope): TargetLabels {
  const node = attachNode && name ? cache.get("node", `/${name}`) : undefined;
  return node ? objectLabels("node", node) : {};
}

function containersOf(pod: Pod): Container[] {
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
}

export function podGroup(pod: Pod, scope: Scope): TargetGroup {
  const targets: TargetLabels[] = [];
  const ip = pod.status?.podIP ?? "";
  // Without an address there is nothing to scrape yet.
  if (ip !== "") {
    for (const container of containersOf(pod)) {
      if (!container.ports?.length)
        targets.push({ __address__: ip.includes(":") ? `[${ip}]` : ip, ...containerLabels(pod, container) });
      for (const port of container.ports ?? [])
        targets.push({ __address__: address(ip, port.containerPort), ...containerLabels(pod, container, port) });
    }
  }
  return {
    source: `pod/${pod.metadata.namespace}/${pod.metadata.name}`,
    labels: { ...namespaceLabel(pod), ...podLabels(pod), ...nodeLabels(pod.spec?.nodeName, scope) },
    targets,
  };
}

interface Service extends KubeObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    externalName?: string;
    loadBalancerIP?: string;
    ports?: { name?: string; port: number; protocol?: string }[];
  };
}

export function serviceGroup(service: Service): TargetGroup {
  const { metadata, spec } = service;
  const targets = (spec?.ports ?? []).map((port): TargetLabels => {
    const labels: TargetLabels = {
      __address__: address(`${metadata.name}.${metadata.namespace}.svc`, port.port),
      __meta_kubernetes_service_port_name: port.name ?? "",
      __meta_kubernetes_service_port_number: String(port.port),
      __meta_kubernetes_service_port_protocol: port.protocol ?? "TCP",
      __meta_kubernetes_service_type: spec?.type ?? "",
    };
    if (spec?.type === "ExternalName") labels.__meta_kubernetes_service_external_name = spec.externalName ?? "";
    else labels.__meta_kubernetes_service_cluster_ip = spec?.clusterIP ?? "";
    if (spec?.type === "LoadBalancer") labels.__meta_kubernetes_service_loadbalancer_ip = spec.loadBalancerIP ?? "";
    return labels;
  });
  return {
    source: `svc/${metadata.namespace}/${metadata.name}`,
    labels: { ...namespaceLabel(service), ...objectLabels("service", service) },
    targets,
  };
}

interface Endpoint {
  ip: string;
  hostname?: string;
  nodeName?: string;
  zone?: string;
  target?: { kind?: string; name?: string; namespace?: string };
  ready: string;
  serving?: string;
  terminating?: string;
  topology?: Record<string, string>;
}

interface Port {
  name?: string;
  port?: number;
  protocol?: string;
  appProtocol?: string;
}

/** Targets of one address: its ports, and the container ports of its Pod that no endpoint port covers. */
class EndpointTargets {
  readonly targets: TargetLabels[] = [];
  /** Ports already seen of each Pod. */
  readonly #pods = new Map<string, { pod: Pod; ports: Set<number> }>();
  readonly #scope: Scope;
  readonly #namespace: string;

  constructor(scope: Scope, namespace: string) {
    this.#scope = scope;
    this.#namespace = namespace;
  }

  add(endpoint: Endpoint, port: Port, own: TargetLabels): void {
    const target: TargetLabels = {
      __address__: port.port === undefined ? endpoint.ip : address(endpoint.ip, port.port),
      ...own,
    };
    const pod =
      endpoint.target?.kind === "Pod"
        ? this.#scope.cache.get<Pod>("pod", `${endpoint.target.namespace ?? this.#namespace}/${endpoint.target.name}`)
        : undefined;
    Object.assign(
      target,
      nodeLabels(
        endpoint.nodeName ?? (endpoint.target?.kind === "Node" ? endpoint.target.name : undefined),
        this.#scope,
      ),
    );
    if (pod) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const entry = this.#pods.get(key) ?? { pod, ports: new Set<number>() };
      this.#pods.set(key, entry);
      Object.assign(target, podLabels(pod));
      for (const container of containersOf(pod)) {
        const match = container.ports?.find(({ containerPort }) => containerPort === port.port);
        if (!match) continue;
        entry.ports.add(match.containerPort);
        Object.assign(target, containerLabels(pod, container, match));
        break;
      }
    }
    this.targets.push(target);
  }

  /** Container ports of the Pods that the Service does not name are targets too, as upstream has it. */
  addUnbound(): void {
    for (const { pod, ports } of this.#pods.values()) {
      const ip = pod.status?.podIP;
      if (!ip) continue;
      for (const container of containersOf(pod)) {
        for (const port of container.ports ?? []) {
          if (ports.has(port.containerPort)) continue;
          this.targets.push({
            __address__: address(ip, port.containerPort),
            ...containerLabels(pod, container, port),
            ...podLabels(pod),
          });
        }
      }
    }
  }
}

function serviceLabels(cache: ObjectCache, namespace: string, name: string): TargetLabels {
  const service = cache.get("service", `${namespace}/${name}`);
  return service ? objectLabels("service", service) : {};
}

interface Endpoints extends KubeObject {
  subsets?: {
    addresses?: { ip: string; hostname?: string; nodeName?: string; targetRef?: Endpoint["target"] }[];
    notReadyAddresses?: { ip: string; hostname?: string; nodeName?: string; targetRef?: Endpoint["target"] }[];
    ports?: Port[];
  }[];
}

export function endpointsGroup(endpoints: Endpoints, scope: Scope): TargetGroup {
  const { namespace = "", name = "" } = endpoints.metadata;
  const out = new EndpointTargets(scope, namespace);
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) {
      const add = (list: typeof subset.addresses, ready: string): void => {
        for (const { ip, hostname, nodeName, targetRef } of list ?? []) {
          const labels: TargetLabels = {
            __meta_kubernetes_endpoint_port_name: port.name ?? "",
            __meta_kubernetes_endpoint_port_protocol: port.protocol ?? "TCP",
            __meta_kubernetes_endpoint_ready: ready,
          };
          if (targetRef) {
            labels.__meta_kubernetes_endpoint_address_target_kind = targetRef.kind ?? "";
            labels.__meta_kubernetes_endpoint_address_target_name = targetRef.name ?? "";
          }
          if (nodeName) labels.__meta_kubernetes_endpoint_node_name = nodeName;
          if (hostname) labels.__meta_kubernetes_endpoint_hostname = hostname;
          out.add({ ip, nodeName, target: targetRef, ready }, port, labels);
        }
      };
      add(subset.addresses, "true");
      add(subset.notReadyAddresses, "false");
    }
  }
  out.addUnbound();
  return {
    source: `endpoints/${namespace}/${name}`,
    labels: {
      ...namespaceLabel(endpoints),
      __meta_kubernetes_endpoints_name: name,
      ...objectLabels("endpoints", endpoints, false),
      ...serviceLabels(scope.cache, namespace, name),
    },
    targets: out.targets,
  };
}

export interface EndpointSlice extends KubeObject {
  addressType?: string;
  endpoints?: {
    addresses: string[];
    conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
    hostname?: string;
    nodeName?: string;
    zone?: string;
    targetRef?: Endpoint["target"];
    deprecatedTopology?: Record<string, string>;
  }[];
  ports?: Port[];
}

/** Name of the Service a slice belongs to. */
export function serviceOfSlice({ metadata }: EndpointSlice): string {
  return metadata.labels?.["kubernetes.io/service-name"] ?? "";
}

export function endpointSliceGroup(slice: EndpointSlice, scope: Scope): TargetGroup {
  const { namespace = "", name = "" } = slice.metadata;
  const prefix = "__meta_kubernetes_endpointslice_";
  const out = new EndpointTargets(scope, namespace);
  for (const port of slice.ports ?? []) {
    for (const endpoint of slice.endpoints ?? []) {
      for (const ip of endpoint.addresses) {
        const labels: TargetLabels = {};
        if (port.name !== undefined) labels[`${prefix}port_name`] = port.name;
        labels[`${prefix}port_protocol`] = port.protocol ?? "TCP";
        if (port.port !== undefined) labels[`${prefix}port`] = String(port.port);
        if (port.appProtocol !== undefined) labels[`${prefix}port_app_protocol`] = port.appProtocol;
        const { ready, serving, terminating } = endpoint.conditions ?? {};
        if (ready !== undefined) labels[`${prefix}endpoint_conditions_ready`] = String(ready);
        if (serving !== undefined) labels[`${prefix}endpoint_conditions_serving`] = String(serving);
        if (terminating !== undefined) labels[`${prefix}endpoint_conditions_terminating`] = String(terminating);
        if (endpoint.hostname !== undefined) labels[`${prefix}endpoint_hostname`] = endpoint.hostname;
        if (endpoint.targetRef) {
          labels[`${prefix}address_target_kind`] = endpoint.targetRef.kind ?? "";
          labels[`${prefix}address_target_name`] = endpoint.targetRef.name ?? "";
        }
        if (endpoint.nodeName !== undefined) labels[`${prefix}endpoint_node_name`] = endpoint.nodeName;
        if (endpoint.zone !== undefined) labels[`${prefix}endpoint_zone`] = endpoint.zone;
        for (const [key, value] of Object.entries(endpoint.deprecatedTopology ?? {})) {
          const clean = key.replace(/[^a-zA-Z0-9_]/g, "_");
          labels[`${prefix}endpoint_topology_${clean}`] = value;
          labels[`${prefix}endpoint_topology_present_${clean}`] = "true";
        }
        out.add({ ip, nodeName: endpoint.nodeName, target: endpoint.targetRef, ready: String(ready) }, port, labels);
      }
    }
  }
  out.addUnbound();
  return {
    source: `endpointslice/${namespace}/${name}`,
    labels: {
      ...namespaceLabel(slice),
      [`${prefix}name`]: name,
      [`${prefix}address_type`]: slice.addressType ?? "",
      ...objectLabels("endpointslice", slice, false),
      ...serviceLabels(scope.cache, namespace, serviceOfSlice(slice)),
    },
    targets: out.targets,
  };
}

interface Node extends KubeObject {
  spec?: { providerID?: string };
  status?: {
    addresses?: { type: string; address: string }[];
    daemonEndpoints?: { kubeletEndpoint?: { Port?: number } };
  };
}

/** Preferred kinds of node addresses, best first. */
const NODE_ADDRESSES = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];
const KUBELET_PORT = 10250;

export function nodeGroup(node: Node): TargetGroup {
  const { metadata, spec, status } = node;
  const addresses = status?.addresses ?? [];
  const best = NODE_ADDRESSES.map((type) => addresses.find((entry) => entry.type === type)).find(
    (entry) => entry !== undefined,
  );
  const target: TargetLabels = {
    __address__: best ? address(best.address, status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT) : "",
    instance: metadata.name ?? "",
  };
  const seen = new Set<string>();
  for (const { type, address: value } of addresses) {
    // Only the first of each kind.
    if (seen.has(type)) continue;
    seen.add(type);
    target[`__meta_kubernetes_node_address_${type.replace(/[^a-zA-Z0-9_]/g, "_")}`] = value;
  }
  return {
    source: `node/${metadata.name}`,
    labels: { ...objectLabels("node", node), __meta_kubernetes_node_provider_id: spec?.providerID ?? "" },
    targets: best ? [target] : [],
  };
}

interface Ingress extends KubeObject {
  spec?: {
    ingressClassName?: string;
    tls?: { hosts?: string[] }[];
    rules?: { host?: string; http?: { paths?: { path?: string }[] } }[];
  };
}

export function ingressGroup(ingress: Ingress): TargetGroup {
  const { metadata, spec } = ingress;
  const secured = (spec?.tls ?? []).flatMap(({ hosts }) => hosts ?? []);
  const targets: TargetLabels[] = [];
  for (const { host, http } of spec?.rules ?? []) {
    const covered = secured.some(
      (name) => name === host || (name.startsWith("*.") && host?.slice(host.indexOf(".")) === name.slice(1)),
    );
    for (const { path } of http?.paths?.length ? http.paths : [{ path: "/" }]) {
      targets.push({
        __address__: host ?? "*",
        __meta_kubernetes_ingress_scheme: covered ? "https" : "http",
        __meta_kubernetes_ingress_host: host ?? "*",
        __meta_kubernetes_ingress_path: path || "/",
      });
    }
  }
  return {
    source: `ingress/${metadata.namespace}/${metadata.name}`,
    labels: {
      ...namespaceLabel(ingress),
      ...objectLabels("ingress", ingress),
      __meta_kubernetes_ingress_class_name: spec?.ingressClassName ?? "",
    },
    targets,
  };
}
