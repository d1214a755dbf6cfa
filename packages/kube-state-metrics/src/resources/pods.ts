import { isIP } from "node:net";
import { emitStatuses, type Family, FamilyMaker, type Resource } from "../family.ts";
import { mapLabels } from "../values/label-names.ts";
import { quantityUnits, quantityValue } from "../values/quantity.ts";
import { unixSeconds } from "../values/time.ts";
import { containerFamilies } from "./pod-containers.ts";
import type { Pod, Volume } from "./pod-fields.ts";

const PHASES = ["Pending", "Succeeded", "Failed", "Unknown", "Running"];
const QOS_CLASSES = ["BestEffort", "Burstable", "Guaranteed"];
const REASONS = [
  "Evicted",
  "NodeAffinity",
  "NodeLost",
  "PreemptionByScheduler",
  "SchedulingGated",
  "Shutdown",
  "TerminationByKubelet",
  "UnexpectedAdmissionError",
];
const DISRUPTION_REASONS = [
  "PreemptionByScheduler",
  "DeletionByTaintManager",
  "EvictionByEvictionAPI",
  "DeletionByPodGC",
  "TerminationByKubelet",
];
/** Any other reason, so that free text makes no series. */
const OTHER = "Other";

const make = new FamilyMaker<Pod>("kube_pod_");

/** When the condition came to have the status, in Unix seconds. */
const since = (name: string, stability: "STABLE" | "ALPHA", help: string, wanted: string, status: string) =>
  make.gauge(name, stability, help, (pod, emit) => {
    for (const condition of pod.status?.conditions ?? []) {
      if (condition.type === wanted && condition.status === status) emit(unixSeconds(condition.lastTransitionTime));
    }
  });

const condition = (name: string, help: string, wanted: string) =>
  make.gauge(name, "STABLE", help, (pod, emit) => {
    for (const { type, status } of pod.status?.conditions ?? []) {
      if (type === wanted) emitStatuses(status, (value, text) => emit(value, ["condition", text]));
    }
  });

/** Every place in which a pod can say why it is as it is. */
function reasonsOf({ status }: Pod): Set<string | undefined> {
  const reasons = new Set([status?.reason]);
  for (const { reason } of status?.conditions ?? []) reasons.add(reason);
  for (const { state } of status?.containerStatuses ?? []) if (state?.terminated) reasons.add(state.terminated.reason);
  return reasons;
}

/** Volumes that are claims: those named and those made for the pod alone. */
function claims(name: string, help: string, value: (volume: Volume) => number): Family<Pod> {
  return make.gauge(`spec_volumes_persistentvolumeclaims_${name}`, "STABLE", help, ({ metadata, spec }, emit) => {
    for (const volume of spec?.volumes ?? []) {
      const { persistentVolumeClaim, ephemeral } = volume;
      if (!persistentVolumeClaim && !ephemeral) continue;
      const claim = persistentVolumeClaim ? persistentVolumeClaim.claimName : `${metadata.name ?? ""}-${volume.name}`;
      const labels = ["volume", volume.name, "persistentvolumeclaim", claim];
      emit(value(volume), [...labels, "ephemeral", String(!persistentVolumeClaim)]);
    }
  });
}

/** An IPv4 address written as one of IPv6: 80 bits of zeros, 16 of ones, and the address in either form. */
const MAPPED =
  /^(?:(?:0{1,4}:){5}|(?:(?:0{1,4}:){1,4}|:):(?:0{1,4}:){0,4})ffff:(?:\d+\.\d+\.\d+\.\d+|[\da-f]{1,4}:[\da-f]{1,4})$/i;

/** Address family of an IP; undefined when it is none. */
function ipFamily(address: string): "4" | "6" | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 || MAPPED.test(address) ? "4" : "6";
}

const families: readonly Family<Pod>[] = [
  make.optional("completion_time", "STABLE", "Completion time in unix timestamp for a pod.", ({ status }) => {
    let last = 0;
    for (const { state } of status?.containerStatuses ?? []) {
      if (!state?.terminated) continue;
      const finished = unixSeconds(state.terminated.finishedAt);
      if (last === 0 || last < finished) last = finished;
    }
    return last > 0 ? last : undefined;
  }),
  ...containerFamilies,
  make.created("STABLE"),
  make.deletionTimestamp(),
  make.info("info", "STABLE", "Information about pod.", ({ metadata, spec, status }) => {
    const controller = metadata.ownerReferences?.find((owner) => owner.controller);
    return [
      "host_ip",
      status?.hostIP,
      "pod_ip",
      status?.podIP,
      "node",
      spec?.nodeName,
      "created_by_kind",
      controller?.kind,
      "created_by_name",
      controller?.name,
      "priority_class",
      spec?.priorityClassName,
      "host_network",
      String(spec?.hostNetwork ?? false),
    ];
  }),
  make.gauge("ips", "ALPHA", "Pod IP addresses", ({ status }, emit) => {
    for (const { ip = "" } of status?.podIPs ?? []) {
      const family = ipFamily(ip);
      if (family) emit(1, ["ip", ip, "ip_family", family]);
    }
  }),
  make.annotations(),
  make.labels("STABLE"),
  make.optional(
    "overhead_cpu_cores",
    "ALPHA",
    "The pod overhead in regards to cpu cores associated with running a pod.",
    ({ spec }) => (spec?.overhead?.cpu === undefined ? undefined : quantityValue(spec.overhead.cpu)),
  ),
  make.optional(
    "overhead_memory_bytes",
    "ALPHA",
    "The pod overhead in regards to memory associated with running a pod.",
    ({ spec }) => (spec?.overhead?.memory === undefined ? undefined : quantityUnits(spec.overhead.memory)),
  ),
  make.owner("STABLE", "Information about the Pod's owner."),
  make.gauge(
    "resourceclaim_info",
    "ALPHA",
    "Information about a DRA ResourceClaim referenced by a pod, one series per pod.spec.resourceClaims entry; claim_name is the pod-local reference and resourceclaim_name is the resolved ResourceClaim object name.",
    ({ spec, status }, emit) => {
      for (const { name, resourceClaimName, resourceClaimTemplateName } of spec?.resourceClaims ?? []) {
        if (typeof resourceClaimName !== "string" && typeof resourceClaimTemplateName !== "string") continue;
        const made = status?.resourceClaimStatuses?.findLast(
          (claim) => claim.name === name && typeof claim.resourceClaimName === "string",
        );
        const claim = resourceClaimName ?? made?.resourceClaimName ?? "";
        const template = resourceClaimTemplateName ?? "";
        emit(1, ["claim_name", name, "resourceclaim_name", claim, "resourceclaim_template_name", template]);
      }
    },
  ),
  make.info("restart_policy", "STABLE", "Describes the restart policy in use by this pod.", ({ spec }) => [
    "type",
    spec?.restartPolicy,
  ]),
  make.gauge("runtimeclass_name_info", "ALPHA", "The runtimeclass associated with the pod.", ({ spec }, emit) => {
    if (typeof spec?.runtimeClassName === "string") emit(1, ["runtimeclass_name", spec.runtimeClassName]);
  }),
  claims("info", "Information about persistentvolumeclaim and ephemeral volumes in a pod.", () => 1),
  claims(
    "readonly",
    "Describes whether a persistentvolumeclaim is mounted read only. Ephemeral volumes always report 0 since the ephemeral volume source does not support a read-only flag.",
    ({ persistentVolumeClaim }) => Number(persistentVolumeClaim?.readOnly ?? false),
  ),
  make.time("start_time", "STABLE", "Start time in unix timestamp for a pod.", ({ status }) => status?.startTime),
  make.oneOf("status_phase", "STABLE", "The pods current phase.", "phase", PHASES, ({ status }) => status?.phase),
  make.oneOf(
    "status_qos_class",
    "ALPHA",
    "The pods current qosClass.",
    "qos_class",
    QOS_CLASSES,
    ({ status }) => status?.qosClass,
  ),
  condition("status_ready", "Describes whether the pod is ready to serve requests.", "Ready"),
  since("status_ready_time", "ALPHA", "Readiness achieved time in unix timestamp for a pod.", "Ready", "True"),
  since("status_initialized_time", "ALPHA", "Initialized time in unix timestamp for a pod.", "Initialized", "True"),
  since(
    "status_container_ready_time",
    "ALPHA",
    "Readiness achieved time in unix timestamp for a pod containers.",
    "ContainersReady",
    "True",
  ),
  make.gauge("status_reason", "ALPHA", "The pod status reasons", (pod, emit) => {
    const reasons = reasonsOf(pod);
    for (const reason of REASONS) if (reasons.has(reason)) emit(1, ["reason", reason]);
    if (pod.status?.reason && !REASONS.includes(pod.status.reason)) emit(1, ["reason", OTHER]);
  }),
  make.gauge("status_disruption_reason", "ALPHA", "The pod disruption condition reason", ({ status }, emit) => {
    for (const { type, reason = "" } of status?.conditions ?? []) {
      if (type === "DisruptionTarget") emit(1, ["reason", DISRUPTION_REASONS.includes(reason) ? reason : OTHER]);
    }
  }),
  condition("status_scheduled", "Describes the status of the scheduling process for the pod.", "PodScheduled"),
  since(
    "status_scheduled_time",
    "STABLE",
    "Unix timestamp when pod moved into scheduled status",
    "PodScheduled",
    "True",
  ),
  make.gauge("status_unschedulable", "STABLE", "Describes the unschedulable status for the pod.", (pod, emit) => {
    for (const { type, status } of pod.status?.conditions ?? []) {
      if (type === "PodScheduled" && status === "False") emit(1);
    }
  }),
  since(
    "status_unscheduled_time",
    "ALPHA",
    "Unix timestamp when pod moved into unscheduled status",
    "PodScheduled",
    "False",
  ),
  make.gauge("tolerations", "ALPHA", "Information about the pod tolerations", ({ spec }, emit) => {
    const seen = new Set<string>();
    for (const { key, operator, value, effect, tolerationSeconds } of spec?.tolerations ?? []) {
      const seconds = String(tolerationSeconds ?? "");
      const identity = JSON.stringify([key, operator, value, effect, seconds]);
      if (seen.has(identity)) continue;
      seen.add(identity);
      const labels = ["key", key, "operator", operator, "value", value, "effect", effect];
      emit(1, [...labels, "toleration_seconds", seconds]);
    }
  }),
  make.optIn("nodeselectors", "Describes the Pod nodeSelectors.", ({ spec }, emit) =>
    emit(1, mapLabels("nodeselector", spec?.nodeSelector)),
  ),
  make.info("service_account", "ALPHA", "The service account for a pod.", ({ spec }) => [
    "service_account",
    spec?.serviceAccountName,
  ]),
  make.info("scheduler", "ALPHA", "The scheduler for a pod.", ({ spec }) => ["name", spec?.schedulerName]),
];

export const pods: Resource<Pod> = {
  name: "pods",
  type: { group: "", version: "v1", plural: "pods", namespaced: true },
  goType: "*v1.Pod",
  identity: ({ metadata: { namespace, name, uid } }) => ["namespace", namespace, "pod", name, "uid", uid],
  families,
};
