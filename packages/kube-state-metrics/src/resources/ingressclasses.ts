import { clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";

interface IngressClass extends Wire {
  spec?: { controller?: string };
}

const make = new FamilyMaker<IngressClass>("kube_ingressclass_");

export const ingressclasses: Resource<IngressClass> = {
  name: "ingressclasses",
  type: { group: "networking.k8s.io", version: "v1", plural: "ingressclasses" },
  goType: "*v1.IngressClass",
  defaultOff: true,
  identity: clusterName("ingressclass"),
  families: [
    make.info("info", "ALPHA", "Information about ingressclass.", ({ spec }) => ["controller", spec?.controller]),
    make.created("ALPHA"),
    make.annotations(),
    make.labels("ALPHA"),
  ],
};
