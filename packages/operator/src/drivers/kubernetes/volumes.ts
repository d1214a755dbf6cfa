/** Storage of an instance, and the Secrets and ConfigMaps its resource mounts. */
import type { Open, StorageSpec, VolumeClaim, WorkloadSpec } from "../../resources/workload.ts";
import { volumeName } from "./names.ts";

export interface Storage {
  /** Name of the volume the data lies on. */
  volume: string;
  volumes: Open[];
  claims: Open[];
}

function claimTemplate(claim: VolumeClaim, name: string): Open {
  const { accessModes, ...spec } = claim.spec ?? {};
  return {
    apiVersion: claim.apiVersion ?? "v1",
    kind: claim.kind ?? "PersistentVolumeClaim",
    metadata: { ...claim.metadata, name },
    spec: { accessModes: accessModes ?? ["ReadWriteOnce"], ...spec },
  };
}

/** Without any storage the data goes with the Pod. */
export function storageOf(storage: StorageSpec | undefined, defaultName: string): Storage {
  if (storage?.emptyDir) {
    return { volume: defaultName, volumes: [{ name: defaultName, emptyDir: storage.emptyDir }], claims: [] };
  }
  if (storage?.ephemeral) {
    return { volume: defaultName, volumes: [{ name: defaultName, ephemeral: storage.ephemeral }], claims: [] };
  }
  if (!storage) return { volume: defaultName, volumes: [{ name: defaultName, emptyDir: {} }], claims: [] };
  const claim = storage.volumeClaimTemplate ?? {};
  const name = claim.metadata?.name || defaultName;
  return { volume: name, volumes: [], claims: [claimTemplate(claim, name)] };
}

/** Data lies in a folder of the volume, so that a file system's own lost+found is not in its way. */
export function subPath(storage: StorageSpec | undefined, folder: string): Open {
  return storage && !storage.disableMountSubPath ? { subPath: folder } : {};
}

/** spec.secrets and spec.configMaps, each below the folder of its kind. */
export function referencedMounts({ secrets = [], configMaps = [] }: WorkloadSpec, base: string) {
  const volumes: Open[] = [];
  const mounts: Open[] = [];
  for (const name of secrets) {
    const volume = volumeName("secret", name);
    volumes.push({ name: volume, secret: { secretName: name } });
    mounts.push({ name: volume, readOnly: true, mountPath: `${base}/secrets/${name}` });
  }
  for (const name of configMaps) {
    const volume = volumeName("configmap", name);
    volumes.push({ name: volume, configMap: { name } });
    mounts.push({ name: volume, readOnly: true, mountPath: `${base}/configmaps/${name}` });
  }
  return { volumes, mounts };
}

export function ruleMounts(names: readonly string[], folder: string) {
  return {
    // Optional: the Pod starts whether the ConfigMap is there yet or not.
    volumes: names.map((name) => ({ name, configMap: { name, optional: true } })),
    mounts: names.map((name) => ({ name, mountPath: `${folder}/${name}`, readOnly: true })),
    watched: names.map((name) => `${folder}/${name}`),
  };
}

export function tlsAssetsVolume(names: readonly string[]): Open {
  return { name: "tls-assets", projected: { sources: names.map((name) => ({ secret: { name } })) } };
}
