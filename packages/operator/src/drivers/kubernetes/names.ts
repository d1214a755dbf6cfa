/** Names and labels of everything that is made, those of upstream's operator: what people and dashboards look for. */
import { createHash } from "node:crypto";
import type { KubeObject, OwnerReference } from "@pharos/kube";
import type { InstanceKind } from "../driver.ts";

const PREFIX: Record<InstanceKind, string> = {
  Prometheus: "prometheus",
  PrometheusAgent: "prom-agent",
  Alertmanager: "alertmanager",
  ThanosRuler: "thanos-ruler",
};

/** The label app.kubernetes.io/name, and the label of the kind's own that holds the instance's name. */
const APPLICATION: Record<InstanceKind, readonly [name: string, own: string]> = {
  Prometheus: ["prometheus", "prometheus"],
  PrometheusAgent: ["prometheus-agent", ""],
  Alertmanager: ["alertmanager", "alertmanager"],
  ThanosRuler: ["thanos-ruler", "thanos-ruler"],
};

const SERVICE: Record<InstanceKind, string> = {
  Prometheus: "prometheus-operated",
  PrometheusAgent: "prometheus-agent-operated",
  Alertmanager: "alertmanager-operated",
  ThanosRuler: "thanos-ruler-operated",
};

export const MANAGED_BY = "prometheus-operator";
export const SHARD_LABEL = "operator.prometheus.io/shard";
export const NAME_LABEL = "operator.prometheus.io/name";
export const MODE_LABEL = "operator.prometheus.io/mode";

export function prefixedName(kind: InstanceKind, name: string): string {
  return `${PREFIX[kind]}-${name}`;
}

export function governingService(kind: InstanceKind): string {
  return SERVICE[kind];
}

/** Shard 0 carries the plain name, so that an instance may be sharded later. */
export function statefulSetName(kind: InstanceKind, name: string, shard: number): string {
  const base = prefixedName(kind, name);
  return shard === 0 ? base : `${base}-shard-${shard}`;
}

export function configSecretName(kind: InstanceKind, name: string): string {
  return kind === "Alertmanager" ? `${prefixedName(kind, name)}-generated` : prefixedName(kind, name);
}

export function storageVolumeName(kind: InstanceKind, name: string): string {
  return `${prefixedName(kind, name)}-db`;
}

/** Labels by which a StatefulSet and Services find the Pods of an instance; never to be changed for a running one. */
export function selectorLabels(kind: InstanceKind, name: string): Record<string, string> {
  const [application, own] = APPLICATION[kind];
  return {
    "app.kubernetes.io/managed-by": MANAGED_BY,
    "app.kubernetes.io/name": application,
    "app.kubernetes.io/instance": name,
    ...(own ? { [own]: name } : {}),
    ...(kind === "Prometheus" || kind === "PrometheusAgent" ? { [NAME_LABEL]: name } : {}),
  };
}

export function selectorText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

/** `controller`: the object goes with its owner, and no other controller may take it. */
export function ownerOf({ apiVersion, kind, metadata }: KubeObject, controller: boolean): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    ...(controller ? { controller: true, blockOwnerDeletion: true } : {}),
  };
}

const MAX_LABEL = 63;

/** A volume's name for a Secret or ConfigMap, at most 63 characters of a DNS label; unique within the prefix. */
export function volumeName(prefix: "secret" | "configmap" | "web-config-tls" | "cluster-tls", name: string): string {
  const plain = `${prefix}-${name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")}`;
  if (plain.length <= MAX_LABEL && plain === `${prefix}-${name}`) return plain;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${plain.slice(0, MAX_LABEL - 9).replace(/-+$/, "")}-${hash}`;
}
