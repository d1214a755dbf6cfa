/** What the Pods of all kinds of instances have in common: the StatefulSet or DaemonSet around the containers. */
import type { KubeObject, LabelSelector } from "@pharos/kube";
import type { Open, WorkloadSpec } from "../../resources/workload.ts";
import type { DesiredInstance } from "../driver.ts";
import type { Container } from "./containers.ts";
import { governingService, ownerOf, SHARD_LABEL } from "./names.ts";
import type { WorkloadOptions } from "./options.ts";

export interface PodParts {
  name: string;
  /** Labels the Pods are found by. */
  selector: Record<string, string>;
  /** Further labels of Pods alone. */
  labels: Record<string, string>;
  /** Container that `kubectl logs` shows. */
  mainContainer: string;
  version: string;
  containers: Container[];
  initContainers: Container[];
  volumes: Open[];
  claims: Open[];
  terminationGraceSeconds: number;
  nodeSelector?: Record<string, string>;
  shareProcessNamespace?: boolean;
}

/** Labels of the annotation that kubectl keeps for itself must not travel to what is made. */
const KUBECTL = "kubectl.kubernetes.io/";

function withoutKubectl(annotations: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.startsWith(KUBECTL)));
}

/** Fields left out where they say nothing, so that server-side apply does not own them. */
export function compact(fields: Open): Open {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => {
      if (value === undefined || value === null) return false;
      return !Array.isArray(value) || value.length > 0;
    }),
  );
}

function spreadConstraints(spec: WorkloadSpec, selector: Record<string, string>): Open[] {
  return (spec.topologySpreadConstraints ?? []).map(({ additionalLabelSelectors, ...constraint }) => {
    if (!additionalLabelSelectors) return constraint;
    const added = Object.entries(selector).filter(
      ([name]) => additionalLabelSelectors !== "OnResource" || name !== SHARD_LABEL,
    );
    const known: LabelSelector = constraint.labelSelector ?? {};
    return {
      ...constraint,
      labelSelector: { ...known, matchLabels: { ...known.matchLabels, ...Object.fromEntries(added) } },
    };
  });
}

export function podTemplate({ resource }: DesiredInstance, parts: PodParts): Open {
  const spec = resource.spec as WorkloadSpec;
  const selector = parts.selector;
  return {
    metadata: {
      labels: {
        "app.kubernetes.io/version": parts.version.replace(/^v/, ""),
        ...spec.podMetadata?.labels,
        ...parts.labels,
        ...selector,
      },
      annotations: { "kubectl.kubernetes.io/default-container": parts.mainContainer, ...spec.podMetadata?.annotations },
    },
    spec: compact({
      containers: parts.containers,
      initContainers: parts.initContainers,
      volumes: [...parts.volumes, ...(spec.volumes ?? [])],
      imagePullSecrets: spec.imagePullSecrets,
      serviceAccountName: spec.serviceAccountName,
      automountServiceAccountToken: spec.automountServiceAccountToken,
      securityContext: spec.securityContext,
      nodeSelector: parts.nodeSelector ?? spec.nodeSelector,
      schedulerName: spec.schedulerName,
      priorityClassName: spec.priorityClassName,
      tolerations: spec.tolerations,
      affinity: spec.affinity,
      topologySpreadConstraints: spreadConstraints(spec, selector),
      hostAliases: spec.hostAliases,
      hostNetwork: spec.hostNetwork || undefined,
      hostUsers: spec.hostUsers,
      enableServiceLinks: spec.enableServiceLinks,
      shareProcessNamespace: parts.shareProcessNamespace,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? parts.terminationGraceSeconds,
      dnsPolicy: spec.dnsPolicy ?? (spec.hostNetwork ? "ClusterFirstWithHostNet" : undefined),
      dnsConfig: spec.dnsConfig && dnsConfig(spec.dnsConfig),
    }),
  };
}

/** The CRD's names are Kubernetes' own but for the options' optional values. */
function dnsConfig(config: Open): Open {
  return compact({ nameservers: config.nameservers, searches: config.searches, options: config.options });
}

function metadata({ resource }: DesiredInstance, parts: PodParts, options: WorkloadOptions): Open {
  const annotations = { ...withoutKubectl(resource.metadata.annotations), ...options.annotations };
  return {
    name: parts.name,
    namespace: resource.metadata.namespace,
    labels: { ...resource.metadata.labels, ...parts.selector, ...options.labels },
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ownerReferences: [ownerOf(resource, true)],
  };
}

export function statefulSet(
  desired: DesiredInstance,
  parts: PodParts,
  replicas: number,
  options: WorkloadOptions,
): KubeObject {
  const spec = desired.resource.spec as WorkloadSpec;
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metadata(desired, parts, options),
    spec: compact({
      serviceName: spec.serviceName || governingService(desired.kind),
      replicas,
      // In order, a Pod that never gets ready would hold up the mending of all others.
      podManagementPolicy: spec.podManagementPolicy ?? "Parallel",
      updateStrategy: spec.updateStrategy ?? { type: "RollingUpdate" },
      minReadySeconds: spec.minReadySeconds,
      selector: { matchLabels: parts.selector },
      template: podTemplate(desired, parts),
      volumeClaimTemplates: parts.claims,
      persistentVolumeClaimRetentionPolicy: spec.persistentVolumeClaimRetentionPolicy,
    }),
  } as KubeObject;
}

export function daemonSet(desired: DesiredInstance, parts: PodParts, options: WorkloadOptions): KubeObject {
  const spec = desired.resource.spec as WorkloadSpec;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: metadata(desired, parts, options),
    spec: compact({
      minReadySeconds: spec.minReadySeconds,
      selector: { matchLabels: parts.selector },
      template: podTemplate(desired, parts),
    }),
  } as KubeObject;
}
