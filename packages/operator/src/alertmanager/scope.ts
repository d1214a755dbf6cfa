/** What generating the configuration of one Alertmanager needs to know. */
import type { AssetStore } from "../assets.ts";
import type { Alertmanager } from "../resources/alertmanager.ts";
import type { VersionGate } from "../version.ts";

export interface AlertmanagerScope {
  alertmanager: Alertmanager;
  assets: AssetStore;
  gate: VersionGate;
}

/** An object whose references are read: its namespace, and the prefix its names get. */
export interface Origin {
  namespace: string;
  /** `namespace/name/`, so that objects cannot name each other's receivers. */
  prefix: string;
}

export function originOf({ metadata }: { metadata: { namespace?: string; name?: string } }): Origin {
  const namespace = metadata.namespace ?? "";
  return { namespace, prefix: `${namespace}/${metadata.name ?? ""}/` };
}

/** Undefined for a name that was not given. */
export function prefixed(name: string | undefined, { prefix }: Origin): string | undefined {
  return name ? prefix + name : undefined;
}
