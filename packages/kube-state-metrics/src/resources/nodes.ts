import { type Condition, clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";
import { emitNodeResources, type ResourceList } from "../values/resource-units.ts";

interface Node extends Wire {
  spec?: {
    providerID?: string;
    podCIDR?: string;
    podCIDRs?: string[] | null;
    unschedulable?: boolean;
    taints?: { key?: string; value?: string; effect?: string }[] | null;
  };
  status?: {
    nodeInfo?: {
      kernelVersion?: string;
      osImage?: string;
      containerRuntimeVersion?: string;
      kubeletVersion?: string;
      systemUUID?: string;
    };
    addresses?: { type?: string; address?: string }[] | null;
    allocatable?: ResourceList;
    capacity?: ResourceList;
    conditions?: Condition[] | null;
  };
}

const ROLE = "node-role.kubernetes.io/";
const make = new FamilyMaker<Node>("kube_node_");

export const nodes: Resource<Node> = {
  name: "nodes",
  type: { group: "", version: "v1", plural: "nodes" },
  goType: "*v1.Node",
  identity: clusterName("node"),
  families: [
    make.annotations(),
    make.created("STABLE"),
    make.deletionTimestamp(),
    make.info("info", "STABLE", "Information about a cluster node.", ({ spec, status }) => [
      "kernel_version",
      status?.nodeInfo?.kernelVersion,
      "os_image",
      status?.nodeInfo?.osImage,
      "container_runtime_version",
      status?.nodeInfo?.containerRuntimeVersion,
      "kubelet_version",
      status?.nodeInfo?.kubeletVersion,
      // Kubernetes stopped telling it; the label stays.
      "kubeproxy_version",
      "deprecated",
      "provider_id",
      spec?.providerID,
      "pod_cidr",
      spec?.podCIDR,
      "system_uuid",
      status?.nodeInfo?.systemUUID,
      "internal_ip",
      status?.addresses?.findLast(({ type }) => type === "InternalIP")?.address,
    ]),
    make.labels("STABLE"),
    make.gauge("role", "ALPHA", "The role of a cluster node.", ({ metadata }, emit) => {
      for (const key of Object.keys(metadata.labels ?? {})) {
        if (key.startsWith(ROLE)) emit(1, ["role", key.slice(ROLE.length)]);
      }
    }),
    make.gauge("spec_pod_cidrs", "ALPHA", "The pod CIDRs of a cluster node.", ({ spec }, emit) => {
      for (const cidr of spec?.podCIDRs ?? []) emit(1, ["pod_cidr", cidr]);
    }),
    make.gauge("spec_taint", "STABLE", "The taint of a cluster node.", ({ spec }, emit) => {
      for (const { key, value, effect } of spec?.taints ?? []) {
        emit(1, ["key", key, "value", value, "effect", effect]);
      }
    }),
    make.number("spec_unschedulable", "STABLE", "Whether a node can schedule new pods.", ({ spec }) =>
      Number(spec?.unschedulable ?? false),
    ),
    make.gauge(
      "status_allocatable",
      "STABLE",
      "The allocatable for different resources of a node that are available for scheduling.",
      ({ status }, emit) => emitNodeResources(status?.allocatable, emit),
    ),
    make.gauge("status_capacity", "STABLE", "The capacity for different resources of a node.", ({ status }, emit) =>
      emitNodeResources(status?.capacity, emit),
    ),
    make.conditions(
      "status_condition",
      "STABLE",
      "The condition of a cluster node.",
      ({ status }) => status?.conditions,
    ),
    make.gauge("status_addresses", "ALPHA", "Node address information.", ({ status }, emit) => {
      for (const { type, address } of status?.addresses ?? []) emit(1, ["type", type, "address", address]);
    }),
  ],
};
