import { clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";
import { mapLabels } from "../values/label-names.ts";

interface VolumeAttachment extends Wire {
  spec?: { attacher?: string; nodeName?: string; source?: { persistentVolumeName?: string | null } };
  status?: { attached?: boolean; attachmentMetadata?: Record<string, string> | null };
}

const make = new FamilyMaker<VolumeAttachment>("kube_volumeattachment_");

export const volumeattachments: Resource<VolumeAttachment> = {
  name: "volumeattachments",
  type: { group: "storage.k8s.io", version: "v1", plural: "volumeattachments" },
  goType: "*v1.VolumeAttachment",
  identity: clusterName("volumeattachment"),
  families: [
    // All labels, allowed or not, as upstream has it for this kind.
    make.info("labels", "ALPHA", "Kubernetes labels converted to Prometheus labels.", ({ metadata }) =>
      mapLabels("label", metadata.labels),
    ),
    make.info("info", "ALPHA", "Information about volumeattachment.", ({ spec }) => [
      "attacher",
      spec?.attacher,
      "node",
      spec?.nodeName,
    ]),
    make.created("ALPHA"),
    make.gauge("spec_source_persistentvolume", "ALPHA", "PersistentVolume source reference.", ({ spec }, emit) => {
      const volume = spec?.source?.persistentVolumeName;
      if (volume !== undefined && volume !== null) emit(1, ["volumename", volume]);
    }),
    make.number("status_attached", "ALPHA", "Information about volumeattachment.", ({ status }) =>
      Number(status?.attached ?? false),
    ),
    make.info("status_attachment_metadata", "ALPHA", "volumeattachment metadata.", ({ status }) =>
      mapLabels("metadata", status?.attachmentMetadata),
    ),
  ],
};
