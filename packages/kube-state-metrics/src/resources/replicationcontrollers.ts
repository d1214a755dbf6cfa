import { FamilyMaker, namespacedName, type Resource } from "../family.ts";
import type { Replicated } from "./workload-fields.ts";

const make = new FamilyMaker<Replicated>("kube_replicationcontroller_");

export const replicationcontrollers: Resource<Replicated> = {
  name: "replicationcontrollers",
  type: { group: "", version: "v1", plural: "replicationcontrollers", namespaced: true },
  goType: "*v1.ReplicationController",
  identity: namespacedName("replicationcontroller"),
  families: [
    make.created("STABLE"),
    make.number(
      "status_replicas",
      "STABLE",
      "The number of replicas per ReplicationController.",
      ({ status }) => status?.replicas,
    ),
    make.number(
      "status_fully_labeled_replicas",
      "STABLE",
      "The number of fully labeled replicas per ReplicationController.",
      ({ status }) => status?.fullyLabeledReplicas,
    ),
    make.number(
      "status_ready_replicas",
      "STABLE",
      "The number of ready replicas per ReplicationController.",
      ({ status }) => status?.readyReplicas,
    ),
    make.number(
      "status_available_replicas",
      "STABLE",
      "The number of available replicas per ReplicationController.",
      ({ status }) => status?.availableReplicas,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "The generation observed by the ReplicationController controller.",
      ({ status }) => status?.observedGeneration,
    ),
    make.optional(
      "spec_replicas",
      "STABLE",
      "Number of desired pods for a ReplicationController.",
      ({ spec }) => spec?.replicas,
    ),
    make.generation("Sequence number representing a specific generation of the desired state."),
    make.owner("ALPHA", "Information about the ReplicationController's owner."),
  ],
};
