import { clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";

const make = new FamilyMaker<Wire>("kube_clusterrole_");

export const clusterroles: Resource = {
  name: "clusterroles",
  type: { group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterroles" },
  goType: "*v1.ClusterRole",
  defaultOff: true,
  form: () => "metadata",
  identity: clusterName("clusterrole"),
  families: [
    make.annotations(),
    make.labels("ALPHA"),
    make.info("info", "ALPHA", "Information about cluster role."),
    make.created("ALPHA"),
    make.resourceVersion("ALPHA", "the cluster role"),
  ],
};
