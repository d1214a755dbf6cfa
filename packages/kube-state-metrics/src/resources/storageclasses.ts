import { clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";

interface StorageClass extends Wire {
  provisioner?: string;
  reclaimPolicy?: string | null;
  volumeBindingMode?: string | null;
}

const make = new FamilyMaker<StorageClass>("kube_storageclass_");

export const storageclasses: Resource<StorageClass> = {
  name: "storageclasses",
  type: { group: "storage.k8s.io", version: "v1", plural: "storageclasses" },
  goType: "*v1.StorageClass",
  identity: clusterName("storageclass"),
  families: [
    make.info("info", "STABLE", "Information about storageclass.", (object) => [
      "provisioner",
      object.provisioner,
      "reclaim_policy",
      object.reclaimPolicy ?? "Delete",
      "volume_binding_mode",
      object.volumeBindingMode ?? "Immediate",
    ]),
    make.created("STABLE"),
    make.annotations(),
    make.labels("STABLE"),
  ],
};
