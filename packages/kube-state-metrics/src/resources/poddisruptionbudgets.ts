import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

interface PodDisruptionBudget extends Wire {
  status?: {
    currentHealthy?: number;
    desiredHealthy?: number;
    disruptionsAllowed?: number;
    expectedPods?: number;
    observedGeneration?: number;
  };
}

const make = new FamilyMaker<PodDisruptionBudget>("kube_poddisruptionbudget_");

export const poddisruptionbudgets: Resource<PodDisruptionBudget> = {
  name: "poddisruptionbudgets",
  type: { group: "policy", version: "v1", plural: "poddisruptionbudgets", namespaced: true },
  goType: "*v1.PodDisruptionBudget",
  identity: namespacedName("poddisruptionbudget"),
  families: [
    make.annotations(),
    make.labels("ALPHA"),
    make.created("STABLE"),
    make.number(
      "status_current_healthy",
      "STABLE",
      "Current number of healthy pods",
      ({ status }) => status?.currentHealthy,
    ),
    make.number(
      "status_desired_healthy",
      "STABLE",
      "Minimum desired number of healthy pods",
      ({ status }) => status?.desiredHealthy,
    ),
    make.number(
      "status_pod_disruptions_allowed",
      "STABLE",
      "Number of pod disruptions that are currently allowed",
      ({ status }) => status?.disruptionsAllowed,
    ),
    make.number(
      "status_expected_pods",
      "STABLE",
      "Total number of pods counted by this disruption budget",
      ({ status }) => status?.expectedPods,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "Most recent generation observed when updating this PDB status",
      ({ status }) => status?.observedGeneration,
    ),
    make.deletionTimestamp(),
  ],
};
