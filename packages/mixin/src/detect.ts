/**
 * Which components of a cluster can be scraped, told from objects of its API server. In a managed cluster the control plane
 * runs elsewhere and has no pods; in one that kubeadm made it has, but they listen on the loopback of their node only, unless
 * told otherwise. Rules about either would fire for ever.
 */
import { type Components, MANAGED_CLUSTER } from "./params.ts";

/** What is looked at of a Pod, a Node or a ConfigMap; any object of the API server fits. */
export interface ClusterObject {
  kind?: string;
  metadata: { name?: string; namespace?: string; labels?: Record<string, string> };
  spec?: { containers?: { command?: string[]; args?: string[] }[] };
  status?: { allocatable?: Record<string, string>; phase?: string };
  data?: Record<string, string>;
}

const LOOPBACK = /^(?:https?:\/\/)?(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(?::\d+)?\/?$/;

/** The value of a flag, in either of its two forms; the last one counts. */
function flag(pod: ClusterObject, name: string): string | undefined {
  let value: string | undefined;
  for (const { command = [], args = [] } of pod.spec?.containers ?? []) {
    const words = [...command, ...args];
    for (const [i, word] of words.entries()) {
      if (word === name) value = words[i + 1];
      else if (word.startsWith(`${name}=`)) value = word.slice(name.length + 1);
    }
  }
  return value;
}

/** `missing`: where the program listens when the flag is not given. */
function listensOutside(pod: ClusterObject, name: string, missing: "outside" | "loopback"): boolean {
  const value = flag(pod, name);
  if (value === undefined || value === "") return missing === "outside";
  return value.split(",").some((address) => !LOOPBACK.test(address.trim()));
}

/** kube-proxy takes its address from a file of its ConfigMap; without one it listens on the loopback. */
function proxyAddressSet(objects: readonly ClusterObject[]): boolean {
  const config = objects.find(
    ({ kind, metadata }) =>
      kind === "ConfigMap" && metadata.namespace === "kube-system" && metadata.name === "kube-proxy",
  );
  const found = /^\s*metricsBindAddress:\s*["']?([^"'\s#]*)/m.exec(config?.data?.["config.conf"] ?? "");
  return found !== null && found[1] !== "" && !LOOPBACK.test(found[1]);
}

/**
 * Of the Pods of kube-system and of Istio's namespace, the Nodes, and kube-system's ConfigMap kube-proxy. Kinds that were
 * not asked for count as nothing found, so that a reader with fewer rights gets fewer rules instead of false ones.
 */
export function detectComponents(objects: readonly ClusterObject[]): Components {
  const pods = objects.filter(
    ({ kind, status }) => kind === "Pod" && status?.phase !== "Failed" && status?.phase !== "Succeeded",
  );
  const withLabel = (label: string, ...values: string[]): ClusterObject[] =>
    pods.filter(({ metadata }) => values.includes(metadata.labels?.[label] ?? ""));
  const component = (name: string): ClusterObject[] => [
    ...withLabel("component", name),
    ...withLabel("k8s-app", name).filter(({ metadata }) => metadata.labels?.component !== name),
  ];
  return {
    ...MANAGED_CLUSTER,
    scheduler: component("kube-scheduler").some((pod) => listensOutside(pod, "--bind-address", "outside")),
    controllerManager: component("kube-controller-manager").some((pod) =>
      listensOutside(pod, "--bind-address", "outside"),
    ),
    // Without an address of its own etcd serves metrics where it serves clients, which takes a client's certificate.
    etcd: component("etcd").some((pod) => listensOutside(pod, "--listen-metrics-urls", "loopback")),
    kubeProxy: component("kube-proxy").some(
      (pod) => listensOutside(pod, "--metrics-bind-address", "loopback") || proxyAddressSet(objects),
    ),
    coredns: withLabel("k8s-app", "kube-dns", "coredns").length > 0,
    mesh: withLabel("app", "istiod").length > 0,
    gpu: objects.some(
      ({ kind, status }) => kind === "Node" && Number(status?.allocatable?.["nvidia.com/gpu"] ?? 0) > 0,
    ),
  };
}
