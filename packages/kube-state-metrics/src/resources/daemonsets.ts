import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

interface DaemonSet extends Wire {
  status?: {
    currentNumberScheduled?: number;
    desiredNumberScheduled?: number;
    numberAvailable?: number;
    numberMisscheduled?: number;
    numberReady?: number;
    numberUnavailable?: number;
    observedGeneration?: number;
    updatedNumberScheduled?: number;
  };
}

const make = new FamilyMaker<DaemonSet>("kube_daemonset_");

export const daemonsets: Resource<DaemonSet> = {
  name: "daemonsets",
  type: { group: "apps", version: "v1", plural: "daemonsets", namespaced: true },
  goType: "*v1.DaemonSet",
  identity: namespacedName("daemonset"),
  families: [
    make.created("STABLE"),
    make.number(
      "status_current_number_scheduled",
      "STABLE",
      "The number of nodes running at least one daemon pod and are supposed to.",
      ({ status }) => status?.currentNumberScheduled,
    ),
    make.number(
      "status_desired_number_scheduled",
      "STABLE",
      "The number of nodes that should be running the daemon pod.",
      ({ status }) => status?.desiredNumberScheduled,
    ),
    make.number(
      "status_number_available",
      "STABLE",
      "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available",
      ({ status }) => status?.numberAvailable,
    ),
    make.number(
      "status_number_misscheduled",
      "STABLE",
      "The number of nodes running a daemon pod but are not supposed to.",
      ({ status }) => status?.numberMisscheduled,
    ),
    make.number(
      "status_number_ready",
      "STABLE",
      "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and ready.",
      ({ status }) => status?.numberReady,
    ),
    make.number(
      "status_number_unavailable",
      "STABLE",
      "The number of nodes that should be running the daemon pod and have none of the daemon pod running and available",
      ({ status }) => status?.numberUnavailable,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "The most recent generation observed by the daemon set controller.",
      ({ status }) => status?.observedGeneration,
    ),
    make.number(
      "status_updated_number_scheduled",
      "STABLE",
      "The total number of nodes that are running updated daemon pod",
      ({ status }) => status?.updatedNumberScheduled,
    ),
    make.generation("Sequence number representing a specific generation of the desired state."),
    make.deletionTimestamp(),
    make.annotations(),
    make.labels("STABLE"),
  ],
};
