import { FamilyMaker, namespacedName, type Resource } from "../family.ts";
import type { RoleBinding } from "./clusterrolebindings.ts";

const make = new FamilyMaker<RoleBinding>("kube_rolebinding_");

export const rolebindings: Resource<RoleBinding> = {
  name: "rolebindings",
  type: { group: "rbac.authorization.k8s.io", version: "v1", plural: "rolebindings", namespaced: true },
  goType: "*v1.RoleBinding",
  defaultOff: true,
  identity: namespacedName("rolebinding"),
  families: [
    make.annotations(),
    make.labels("ALPHA"),
    make.info("info", "ALPHA", "Information about rolebinding.", ({ roleRef }) => [
      "roleref_kind",
      roleRef?.kind,
      "roleref_name",
      roleRef?.name,
    ]),
    make.created("ALPHA"),
    make.resourceVersion("ALPHA", "the rolebinding"),
  ],
};
