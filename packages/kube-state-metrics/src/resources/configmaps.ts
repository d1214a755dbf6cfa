import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

const make = new FamilyMaker<Wire>("kube_configmap_");

export const configmaps: Resource = {
  name: "configmaps",
  type: { group: "", version: "v1", plural: "configmaps", namespaced: true },
  goType: "*v1.ConfigMap",
  form: () => "metadata",
  identity: namespacedName("configmap"),
  families: [
    make.annotations(),
    make.labels("STABLE"),
    make.info("info", "STABLE", "Information about configmap."),
    make.created("STABLE"),
    make.resourceVersion("ALPHA", "the configmap"),
  ],
};
