import { clusterName, FamilyMaker, type Labels, type Resource, type Wire } from "../family.ts";
import { quantityUnits } from "../values/quantity.ts";
import type { ResourceList } from "../values/resource-units.ts";

interface Spec {
  storageClassName?: string;
  persistentVolumeReclaimPolicy?: string;
  volumeMode?: string | null;
  accessModes?: string[] | null;
  capacity?: ResourceList;
  claimRef?: { name?: string; namespace?: string } | null;
  gcePersistentDisk?: { pdName?: string } | null;
  awsElasticBlockStore?: { volumeID?: string } | null;
  azureDisk?: { diskName?: string } | null;
  fc?: { lun?: number | null; targetWWNs?: string[] | null; wwids?: string[] | null } | null;
  iscsi?: { targetPortal?: string; iqn?: string; lun?: number; initiatorName?: string | null } | null;
  nfs?: { server?: string; path?: string } | null;
  csi?: { driver?: string; volumeHandle?: string; volumeAttributes?: Record<string, string> | null } | null;
  local?: { path?: string; fsType?: string | null } | null;
  hostPath?: { path?: string; type?: string | null } | null;
}

interface PersistentVolume extends Wire {
  spec?: Spec;
  status?: { phase?: string };
}

const PHASES = ["Pending", "Available", "Bound", "Released", "Failed"];

/** A volume has one source; of several the first in upstream's order counts. */
function sourceLabels(spec: Spec): Record<string, string | undefined> {
  const { gcePersistentDisk, awsElasticBlockStore, azureDisk, fc, iscsi, nfs, csi, local, hostPath } = spec;
  if (gcePersistentDisk) return { gce_persistent_disk_name: gcePersistentDisk.pdName };
  if (awsElasticBlockStore) return { ebs_volume_id: awsElasticBlockStore.volumeID };
  if (azureDisk) return { azure_disk_name: azureDisk.diskName };
  if (fc) {
    return {
      fc_wwids: fc.wwids?.join(","),
      fc_lun: String(fc.lun ?? ""),
      fc_target_wwns: fc.targetWWNs?.join(","),
    };
  }
  if (iscsi) {
    return {
      iscsi_target_portal: iscsi.targetPortal,
      iscsi_iqn: iscsi.iqn,
      iscsi_lun: String(iscsi.lun ?? 0),
      iscsi_initiator_name: iscsi.initiatorName ?? "",
    };
  }
  if (nfs) return { nfs_server: nfs.server, nfs_path: nfs.path };
  if (csi) return { csi_driver: csi.driver, csi_volume_handle: csi.volumeHandle };
  if (local) return { local_path: local.path, local_fs: local.fsType ?? "" };
  return hostPath ? { host_path: hostPath.path, host_path_type: hostPath.type ?? "" } : {};
}

const SOURCE_LABELS = [
  "gce_persistent_disk_name",
  "ebs_volume_id",
  "azure_disk_name",
  "fc_wwids",
  "fc_lun",
  "fc_target_wwns",
  "iscsi_target_portal",
  "iscsi_iqn",
  "iscsi_lun",
  "iscsi_initiator_name",
  "nfs_server",
  "nfs_path",
  "csi_driver",
  "csi_volume_handle",
  "local_path",
  "local_fs",
  "host_path",
  "host_path_type",
];

function infoLabels(volume: PersistentVolume): Labels {
  const spec = volume.spec ?? {};
  const source = sourceLabels(spec);
  return [
    "storageclass",
    spec.storageClassName,
    ...SOURCE_LABELS.flatMap((name) => [name, source[name]]),
    "reclaim_policy",
    spec.persistentVolumeReclaimPolicy,
  ];
}

const make = new FamilyMaker<PersistentVolume>("kube_persistentvolume_");

export const persistentvolumes: Resource<PersistentVolume> = {
  name: "persistentvolumes",
  type: { group: "", version: "v1", plural: "persistentvolumes" },
  goType: "*v1.PersistentVolume",
  identity: clusterName("persistentvolume"),
  families: [
    make.gauge("claim_ref", "STABLE", "Information about the Persistent Volume Claim Reference.", ({ spec }, emit) => {
      const claim = spec?.claimRef;
      if (claim) emit(1, ["name", claim.name, "claim_namespace", claim.namespace]);
    }),
    make.annotations(),
    make.labels("STABLE"),
    make.oneOf(
      "status_phase",
      "STABLE",
      "The phase indicates if a volume is available, bound to a claim, or released by a claim.",
      "phase",
      PHASES,
      ({ status }) => status?.phase,
    ),
    make.info("info", "STABLE", "Information about persistentvolume.", infoLabels),
    make.number("capacity_bytes", "STABLE", "Persistentvolume capacity in bytes.", ({ spec }) =>
      quantityUnits(spec?.capacity?.storage ?? "0"),
    ),
    make.created("ALPHA"),
    make.deletionTimestamp(),
    make.optIn("csi_attributes", "CSI attributes of the Persistent Volume.", ({ spec }, emit) => {
      if (!spec?.csi) return;
      const { mounter, mapOptions } = spec.csi.volumeAttributes ?? {};
      emit(1, ["csi_mounter", mounter, "csi_map_options", mapOptions]);
    }),
    make.info("volume_mode", "ALPHA", "Volume Mode information for the PersistentVolume.", ({ spec }) => [
      "volumemode",
      spec?.volumeMode ?? "Filesystem",
    ]),
    make.gauge("access_mode", "ALPHA", "The access mode(s) specified by the persistent volume.", ({ spec }, emit) => {
      for (const mode of spec?.accessModes ?? []) emit(1, ["access_mode", mode]);
    }),
  ],
};
