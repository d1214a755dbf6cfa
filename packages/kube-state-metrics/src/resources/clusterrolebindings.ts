import { clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";

export interface RoleBinding extends Wire {
  roleRef?: { kind?: string; name?: string };
}

const make = new FamilyMaker<RoleBinding>("kube_clusterrolebinding_");

export const clusterrolebindings: Resource<RoleBinding> = {
  name: "clusterrolebindings",
  type: { group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterrolebindings" },
  goType: "*v1.ClusterRoleBinding",
  defaultOff: true,
  identity: clusterName("clusterrolebinding"),
  families: [
    make.annotations(),
    make.labels("ALPHA"),
    make.info("info", "ALPHA", "Information about clusterrolebinding.", ({ roleRef }) => [
      "roleref_kind",
      roleRef?.kind,
      "roleref_name",
      roleRef?.name,
    ]),
    make.created("ALPHA"),
    make.resourceVersion("ALPHA", "the clusterrolebinding"),
  ],
};
