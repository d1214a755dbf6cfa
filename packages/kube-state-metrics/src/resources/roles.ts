import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

const make = new FamilyMaker<Wire>("kube_role_");

export const roles: Resource = {
  name: "roles",
  type: { group: "rbac.authorization.k8s.io", version: "v1", plural: "roles", namespaced: true },
  goType: "*v1.Role",
  defaultOff: true,
  form: () => "metadata",
  identity: namespacedName("role"),
  families: [
    make.annotations(),
    make.labels("ALPHA"),
    make.info("info", "ALPHA", "Information about role."),
    make.created("ALPHA"),
    make.resourceVersion("ALPHA", "the role"),
  ],
};
