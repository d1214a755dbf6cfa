import { FamilyMaker, namespacedName, type Resource } from "../family.ts";
import type { Replicated } from "./workload-fields.ts";

const make = new FamilyMaker<Replicated>("kube_replicaset_");

export const replicasets: Resource<Replicated> = {
  name: "replicasets",
  type: { group: "apps", version: "v1", plural: "replicasets", namespaced: true },
  goType: "*v1.ReplicaSet",
  identity: namespacedName("replicaset"),
  families: [
    make.created("STABLE"),
    make.number(
      "status_replicas",
      "STABLE",
      "The number of replicas per ReplicaSet.",
      ({ status }) => status?.replicas,
    ),
    make.number(
      "status_fully_labeled_replicas",
      "STABLE",
      "The number of fully labeled replicas per ReplicaSet.",
      ({ status }) => status?.fullyLabeledReplicas,
    ),
    make.number(
      "status_ready_replicas",
      "STABLE",
      "The number of ready replicas per ReplicaSet.",
      ({ status }) => status?.readyReplicas,
    ),
    make.optional(
      "status_terminating_replicas",
      "ALPHA",
      "The number of terminating replicas per ReplicaSet.",
      ({ status }) => status?.terminatingReplicas,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "The generation observed by the ReplicaSet controller.",
      ({ status }) => status?.observedGeneration,
    ),
    make.optional("spec_replicas", "STABLE", "Number of desired pods for a ReplicaSet.", ({ spec }) => spec?.replicas),
    make.generation("Sequence number representing a specific generation of the desired state."),
    make.owner("STABLE", "Information about the ReplicaSet's owner."),
    make.annotations(),
    make.labels("STABLE"),
  ],
};
