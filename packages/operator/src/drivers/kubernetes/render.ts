/** Everything one instance is in a cluster, as objects: no API call is needed to know it. */
import type { KubeObject } from "@pharos/kube";
import type { Alertmanager, Prometheus, ThanosRuler } from "../../resources/types.ts";
import type { DesiredInstance } from "../driver.ts";
import { alertmanagerWebConfig, alertmanagerWorkload, clusterTls, clusterTlsSecretName } from "./alertmanager.ts";
import { configSecret, pack, ruleConfigMaps, secret, tlsAssetSecrets, webConfigSecret } from "./config-objects.ts";
import type { WorkloadOptions } from "./options.ts";
import { mountedRuleMaps, prometheusWebConfig, prometheusWorkloads } from "./prometheus.ts";
import { operatedService } from "./services.ts";
import {
  REMOTE_WRITE_KEY,
  thanosConfigSecretName,
  thanosRulerWorkload,
  thanosWebConfig,
  writesRemotely,
} from "./thanos-ruler.ts";
import { thanosClientConfig, thanosClientSecretName } from "./thanos-sidecar.ts";

export interface RenderedInstance {
  service: KubeObject | undefined;
  /** Secrets and ConfigMaps, to be there before the Pods. */
  files: KubeObject[];
  /** StatefulSets, or one DaemonSet. */
  workloads: KubeObject[];
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function encoded(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, base64(text)]));
}

function webConfigOf(desired: DesiredInstance) {
  if (desired.kind === "Alertmanager") return alertmanagerWebConfig(desired);
  if (desired.kind === "ThanosRuler") return thanosWebConfig(desired);
  return prometheusWebConfig(desired);
}

/** Secrets that one kind alone has. */
function ownSecrets(desired: DesiredInstance, options: WorkloadOptions): KubeObject[] {
  const { kind, resource } = desired;
  if (kind === "Prometheus" && (resource as Prometheus).spec.thanos) {
    const prometheus = resource as Prometheus;
    return [secret(desired, thanosClientSecretName(prometheus), encoded(thanosClientConfig(prometheus)), options)];
  }
  if (kind === "Alertmanager") {
    const alertmanager = resource as Alertmanager;
    const tls = clusterTls(alertmanager);
    return tls ? [secret(desired, clusterTlsSecretName(alertmanager), encoded(tls.files), options)] : [];
  }
  if (kind === "ThanosRuler" && writesRemotely(resource as ThanosRuler)) {
    const ruler = resource as ThanosRuler;
    const name = thanosConfigSecretName(ruler);
    return [secret(desired, name, encoded({ [REMOTE_WRITE_KEY]: desired.config }), options)];
  }
  return [];
}

export function renderInstance(desired: DesiredInstance, options: WorkloadOptions): RenderedInstance {
  const tls = tlsAssetSecrets(desired, options);
  const tlsNames = tls.map(({ metadata }) => metadata.name ?? "");
  const rules = ruleConfigMaps(desired, options);
  const ruleNames = mountedRuleMaps(desired, rules.length);
  const config = configSecret(desired, options);
  const workloads =
    desired.kind === "Alertmanager"
      ? [alertmanagerWorkload(desired, tlsNames, options)]
      : desired.kind === "ThanosRuler"
        ? [thanosRulerWorkload(desired, tlsNames, ruleNames, options)]
        : prometheusWorkloads(desired, tlsNames, ruleNames, options);
  return {
    service: operatedService(desired, options),
    files: [
      ...(config ? [config] : []),
      ...tls,
      webConfigSecret(desired, webConfigOf(desired).text, options),
      ...ownSecrets(desired, options),
      ...rules,
    ],
    workloads,
  };
}

/** Where the rule files of an instance lie in its Pods. */
export function ruleGlobs(
  files: ReadonlyMap<string, string>,
  folder: string,
  nameOf: (index: number) => string,
): string[] {
  return pack(files).map((_, i) => `${folder}/${nameOf(i)}/*.yaml`);
}
