import { emitStatuses, FamilyMaker, namespacedName, ownersOf, type Resource } from "../family.ts";
import { scaledIntOrPercent } from "../values/int-or-percent.ts";
import type { Replicated } from "./workload-fields.ts";

interface Deployment extends Replicated {
  spec?: {
    replicas?: number | null;
    paused?: boolean;
    strategy?: {
      rollingUpdate?: { maxUnavailable?: number | string | null; maxSurge?: number | string | null } | null;
    };
  };
  status?: Replicated["status"] & { unavailableReplicas?: number };
}

/** Others are shown as `unknown`, so that a controller's free text makes no series. */
const REASONS = new Set([
  "ReplicaSetUpdated",
  "ReplicaSetCreateError",
  "NewReplicaSetCreated",
  "FoundNewReplicaSet",
  "NewReplicaSetAvailable",
  "ProgressDeadlineExceeded",
  "DeploymentPaused",
  "DeploymentResumed",
  "MinimumReplicasAvailable",
  "MinimumReplicasUnavailable",
  "",
]);

const make = new FamilyMaker<Deployment>("kube_deployment_");

export const deployments: Resource<Deployment> = {
  name: "deployments",
  type: { group: "apps", version: "v1", plural: "deployments", namespaced: true },
  goType: "*v1.Deployment",
  identity: namespacedName("deployment"),
  families: [
    make.gauge("owner", "ALPHA", "Information about the Deployment's owner.", ({ metadata }, emit) => {
      for (const { kind, name } of ownersOf(metadata)) emit(1, ["owner_kind", kind, "owner_name", name]);
    }),
    make.created("STABLE"),
    make.number(
      "status_replicas",
      "STABLE",
      "The number of replicas per deployment.",
      ({ status }) => status?.replicas,
    ),
    make.number(
      "status_replicas_ready",
      "STABLE",
      "The number of ready replicas per deployment.",
      ({ status }) => status?.readyReplicas,
    ),
    make.number(
      "status_replicas_available",
      "STABLE",
      "The number of available replicas per deployment.",
      ({ status }) => status?.availableReplicas,
    ),
    make.number(
      "status_replicas_unavailable",
      "STABLE",
      "The number of unavailable replicas per deployment.",
      ({ status }) => status?.unavailableReplicas,
    ),
    make.number(
      "status_replicas_updated",
      "STABLE",
      "The number of updated replicas per deployment.",
      ({ status }) => status?.updatedReplicas,
    ),
    make.optional(
      "status_terminating_replicas",
      "ALPHA",
      "The number of terminating replicas per deployment.",
      ({ status }) => status?.terminatingReplicas,
    ),
    make.number(
      "status_observed_generation",
      "STABLE",
      "The generation observed by the deployment controller.",
      ({ status }) => status?.observedGeneration,
    ),
    make.gauge("status_condition", "STABLE", "The current status conditions of a deployment.", ({ status }, emit) => {
      for (const { type, status: now, reason = "" } of status?.conditions ?? []) {
        const shown = REASONS.has(reason) ? reason : "unknown";
        emitStatuses(now, (value, text) => emit(value, ["reason", shown, "condition", type, "status", text]));
      }
    }),
    make.optional("spec_replicas", "STABLE", "Number of desired pods for a deployment.", ({ spec }) => spec?.replicas),
    make.number(
      "spec_paused",
      "STABLE",
      "Whether the deployment is paused and will not be processed by the deployment controller.",
      ({ spec }) => Number(spec?.paused ?? false),
    ),
    make.optional(
      "spec_strategy_rollingupdate_max_unavailable",
      "STABLE",
      "Maximum number of unavailable replicas during a rolling update of a deployment.",
      ({ spec }) => scaledIntOrPercent(spec?.strategy?.rollingUpdate?.maxUnavailable, spec?.replicas, Math.floor),
    ),
    make.optional(
      "spec_strategy_rollingupdate_max_surge",
      "STABLE",
      "Maximum number of replicas that can be scheduled above the desired number of replicas during a rolling update of a deployment.",
      ({ spec }) => scaledIntOrPercent(spec?.strategy?.rollingUpdate?.maxSurge, spec?.replicas, Math.ceil),
    ),
    make.generation("Sequence number representing a specific generation of the desired state."),
    make.deletionTimestamp(),
    make.annotations(),
    make.labels("STABLE"),
  ],
};
