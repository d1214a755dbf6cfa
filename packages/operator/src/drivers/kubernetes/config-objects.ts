/** The Secrets and ConfigMaps that carry generated files into a cluster. */
import { gzipSync } from "node:zlib";
import type { KubeObject } from "@pharos/kube";
import type { DesiredInstance } from "../driver.ts";
import { configSecretName, MANAGED_BY, ownerOf, prefixedName } from "./names.ts";
import type { WorkloadOptions } from "./options.ts";
import { WEB_CONFIG_FILE } from "./web-config.ts";

/** Half of what an object may hold, with room for metadata. */
const MAX_BYTES = 512 * 1024;

export const CONFIG_KEYS = {
  Prometheus: "prometheus.yaml.gz",
  PrometheusAgent: "prometheus.yaml.gz",
  Alertmanager: "alertmanager.yaml.gz",
} as const;

function metadata(
  { resource }: DesiredInstance,
  name: string,
  options: WorkloadOptions,
  labels: Record<string, string> = {},
) {
  return {
    name,
    namespace: resource.metadata.namespace,
    labels: { ...labels, "app.kubernetes.io/managed-by": MANAGED_BY, ...options.labels },
    ...(Object.keys(options.annotations).length > 0 ? { annotations: options.annotations } : {}),
    ownerReferences: [ownerOf(resource, true)],
  };
}

export function secret(
  desired: DesiredInstance,
  name: string,
  data: Record<string, string>,
  options: WorkloadOptions,
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(desired, name, options),
    type: "Opaque",
    data,
  } as KubeObject;
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

/** Gzip, as the reloader unpacks it; always the same bytes for the same text. */
export function configSecret(desired: DesiredInstance, options: WorkloadOptions): KubeObject | undefined {
  const { kind, resource, config } = desired;
  if (kind === "ThanosRuler") return undefined;
  const name = configSecretName(kind, resource.metadata.name ?? "");
  return secret(desired, name, { [CONFIG_KEYS[kind]]: base64(gzipSync(config)) }, options);
}

export function webConfigSecretName(desired: DesiredInstance): string {
  return `${prefixedName(desired.kind, desired.resource.metadata.name ?? "")}-web-config`;
}

export function webConfigSecret(desired: DesiredInstance, text: string, options: WorkloadOptions): KubeObject {
  return secret(desired, webConfigSecretName(desired), { [WEB_CONFIG_FILE]: base64(text) }, options);
}

/** First-fit over sorted names: the same content always lands in the same bins. */
export function pack(files: ReadonlyMap<string, string>): Map<string, string>[] {
  const bins: Map<string, string>[] = [new Map()];
  let size = 0;
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = Buffer.byteLength(content);
    if (size + bytes > MAX_BYTES && bins[bins.length - 1].size > 0) {
      bins.push(new Map());
      size = 0;
    }
    bins[bins.length - 1].set(name, content);
    size += bytes;
  }
  return bins;
}

/** TLS material, at least one Secret, since Pods mount it whether there is any or not. */
export function tlsAssetSecrets(desired: DesiredInstance, options: WorkloadOptions): KubeObject[] {
  const prefix = `${prefixedName(desired.kind, desired.resource.metadata.name ?? "")}-tls-assets`;
  return pack(desired.certificates).map((files, i) =>
    secret(
      desired,
      `${prefix}-${i}`,
      Object.fromEntries([...files].map(([file, text]) => [file, base64(text)])),
      options,
    ),
  );
}

export function ruleConfigMapName(kind: DesiredInstance["kind"], name: string, index: number): string {
  return `${prefixedName(kind, name)}-rulefiles-${index}`;
}

/** Label by which the ConfigMaps of an instance are found again. */
export function ruleLabels({ kind, resource }: Pick<DesiredInstance, "kind" | "resource">): Record<string, string> {
  const key = kind === "ThanosRuler" ? "thanos-ruler-name" : "prometheus-name";
  return { [key]: resource.metadata.name ?? "" };
}

export function ruleConfigMaps(desired: DesiredInstance, options: WorkloadOptions): KubeObject[] {
  const { kind, resource, files } = desired;
  if (kind !== "Prometheus" && kind !== "ThanosRuler") return [];
  return pack(files).map(
    (bin, i) =>
      ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: metadata(
          desired,
          ruleConfigMapName(kind, resource.metadata.name ?? "", i),
          options,
          ruleLabels(desired),
        ),
        data: Object.fromEntries(bin),
      }) as KubeObject,
  );
}
