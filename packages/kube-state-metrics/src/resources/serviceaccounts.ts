import { FamilyMaker, type Resource, type Wire } from "../family.ts";

interface ServiceAccount extends Wire {
  automountServiceAccountToken?: boolean | null;
  secrets?: { name?: string }[] | null;
  imagePullSecrets?: { name?: string }[] | null;
}

const make = new FamilyMaker<ServiceAccount>("kube_serviceaccount_");

export const serviceaccounts: Resource<ServiceAccount> = {
  name: "serviceaccounts",
  type: { group: "", version: "v1", plural: "serviceaccounts", namespaced: true },
  goType: "*v1.ServiceAccount",
  defaultOff: true,
  identity: ({ metadata: { namespace, name, uid } }) => ["namespace", namespace, "serviceaccount", name, "uid", uid],
  families: [
    make.info("info", "ALPHA", "Information about a service account", ({ automountServiceAccountToken }) => [
      "automount_token",
      String(automountServiceAccountToken ?? ""),
    ]),
    make.created("ALPHA"),
    make.deletionTimestamp("ALPHA", "deleted"),
    make.gauge("secret", "ALPHA", "Secret being referenced by a service account", ({ secrets }, emit) => {
      for (const { name } of secrets ?? []) emit(1, ["name", name]);
    }),
    make.gauge(
      "image_pull_secret",
      "ALPHA",
      "Secret being referenced by a service account for the purpose of pulling images",
      ({ imagePullSecrets }, emit) => {
        for (const { name } of imagePullSecrets ?? []) emit(1, ["name", name]);
      },
    ),
    make.annotations(),
    make.labels("ALPHA"),
  ],
};
