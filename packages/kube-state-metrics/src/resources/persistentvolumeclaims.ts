import { type Condition, FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { quantityUnits } from "../values/quantity.ts";
import type { ResourceList } from "../values/resource-units.ts";

interface PersistentVolumeClaim extends Wire {
  spec?: {
    storageClassName?: string | null;
    volumeName?: string;
    volumeMode?: string | null;
    accessModes?: string[] | null;
    resources?: { requests?: ResourceList };
  };
  status?: { phase?: string; conditions?: Condition[] | null };
}

/** How the class was said before there was a field for it; it still counts first. */
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";
const PHASES = ["Lost", "Bound", "Pending"];
const make = new FamilyMaker<PersistentVolumeClaim>("kube_persistentvolumeclaim_");

export const persistentvolumeclaims: Resource<PersistentVolumeClaim> = {
  name: "persistentvolumeclaims",
  type: { group: "", version: "v1", plural: "persistentvolumeclaims", namespaced: true },
  goType: "*v1.PersistentVolumeClaim",
  identity: namespacedName("persistentvolumeclaim"),
  families: [
    make.labels("STABLE"),
    make.annotations(),
    make.info("info", "STABLE", "Information about persistent volume claim.", ({ metadata, spec }) => [
      "storageclass",
      metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? "",
      "volumename",
      spec?.volumeName,
      "volumemode",
      spec?.volumeMode ?? "",
    ]),
    make.oneOf(
      "status_phase",
      "STABLE",
      "The phase the persistent volume claim is currently in.",
      "phase",
      PHASES,
      ({ status }) => status?.phase,
    ),
    make.optional(
      "resource_requests_storage_bytes",
      "STABLE",
      "The capacity of storage requested by the persistent volume claim.",
      ({ spec }) => {
        const storage = spec?.resources?.requests?.storage;
        return storage === undefined ? undefined : quantityUnits(storage);
      },
    ),
    make.gauge(
      "access_mode",
      "STABLE",
      "The access mode(s) specified by the persistent volume claim.",
      ({ spec }, emit) => {
        for (const mode of spec?.accessModes ?? []) emit(1, ["access_mode", mode]);
      },
    ),
    make.conditions(
      "status_condition",
      "ALPHA",
      "Information about status of different conditions of persistent volume claim.",
      ({ status }) => status?.conditions,
    ),
    make.created("ALPHA"),
    make.deletionTimestamp(),
  ],
};
