import { FamilyMaker, namespacedName, type Resource } from "../family.ts";
import type { Replicated } from "./workload-fields.ts";

interface StatefulSet extends Replicated {
  spec?: {
    replicas?: number | null;
    ordinals?: { start?: number } | null;
    persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string } | null;
  };
  status?: Replicated["status"] & { currentReplicas?: number; currentRevision?: string; updateRevision?: string };
}

const make = new FamilyMaker<StatefulSet>("kube_statefulset_");

export const statefulsets: Resource<StatefulSet> = {
  name: "statefulsets",
  type: { group: "apps", version: "v1", plural: "statefulsets", namespaced: true },
  goType: "*v1.StatefulSet",
  identity: namespacedName("statefulset"),
  families: [
    make.created("STABLE"),
    make.number(
      "status_replicas",
      "STABLE",
      "The number of replicas per StatefulSet.",
      ({ status }) => status?.replicas,
    ),
    make.number(
      "status_replicas_available",
      "STABLE",
      "The number of available replicas per StatefulSet.",
      ({ status }) => status?.availableReplicas,
    ),
    make.number(
      "status_replicas_current",
      "STABLE",
      "The number of current replicas per StatefulSet.",
      ({ status }) => status?.currentReplicas,
    ),
    make.number(
      "status_replicas_ready",
      "STABLE",
      "The number of ready replicas per StatefulSet.",
      ({ status }) => status?.readyReplicas,
    ),
    make.number(
      "status_replicas_updated",
      "STABLE",
      "The number of updated replicas per StatefulSet.",
      ({ status }) => status?.updatedReplicas,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "The generation observed by the StatefulSet controller.",
      ({ status }) => status?.observedGeneration,
    ),
    make.optional("replicas", "STABLE", "Number of desired pods for a StatefulSet.", ({ spec }) => spec?.replicas),
    make.optional(
      "ordinals_start",
      "STABLE",
      "Start ordinal of the StatefulSet.",
      ({ spec }) => spec?.ordinals && (spec.ordinals.start ?? 0),
    ),
    make.generation("Sequence number representing a specific generation of the desired state for the StatefulSet."),
    make.gauge(
      "persistentvolumeclaim_retention_policy",
      "STABLE",
      "Count of retention policy for StatefulSet template PVCs",
      ({ spec }, emit) => {
        const { whenDeleted, whenScaled } = spec?.persistentVolumeClaimRetentionPolicy ?? {};
        if (whenDeleted || whenScaled) emit(1, ["when_deleted", whenDeleted, "when_scaled", whenScaled]);
      },
    ),
    make.annotations("STABLE"),
    make.labels("STABLE"),
    make.info(
      "status_current_revision",
      "STABLE",
      "Indicates the version of the StatefulSet used to generate Pods in the sequence [0,currentReplicas).",
      ({ status }) => ["revision", status?.currentRevision],
    ),
    make.info(
      "status_update_revision",
      "STABLE",
      "Indicates the version of the StatefulSet used to generate Pods in the sequence [replicas-updatedReplicas,replicas)",
      ({ status }) => ["revision", status?.updateRevision],
    ),
    make.deletionTimestamp("STABLE"),
  ],
};
