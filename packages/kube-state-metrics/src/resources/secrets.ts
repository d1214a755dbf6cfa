import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";

/** The only thing of a secret beside its metadata that is ever asked for. */
interface Secret extends Wire {
  type?: string;
}

const make = new FamilyMaker<Secret>("kube_secret_");
const type = make.info("type", "STABLE", "Type about secret.", (secret) => ["type", secret.type]);

export const secrets: Resource<Secret> = {
  name: "secrets",
  type: { group: "", version: "v1", plural: "secrets", namespaced: true },
  goType: "*v1.Secret",
  // The type is no metadata, but a column of the table that kubectl shows; what is secret comes with neither.
  form: (families) => (families.includes(type) ? "table" : "metadata"),
  column: { name: "Type", field: "type" },
  identity: namespacedName("secret"),
  families: [
    make.info("info", "STABLE", "Information about secret."),
    type,
    make.annotations(),
    make.labels("STABLE"),
    make.created("STABLE"),
    make.resourceVersion("ALPHA", "secret"),
    make.owner("ALPHA", "Information about the Secret's owner."),
  ],
};
