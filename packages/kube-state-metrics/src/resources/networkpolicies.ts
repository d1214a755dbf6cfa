import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { unixSeconds } from "../values/time.ts";

interface NetworkPolicy extends Wire {
  spec?: { ingress?: unknown[] | null; egress?: unknown[] | null };
}

const make = new FamilyMaker<NetworkPolicy>("kube_networkpolicy_");

export const networkpolicies: Resource<NetworkPolicy> = {
  name: "networkpolicies",
  type: { group: "networking.k8s.io", version: "v1", plural: "networkpolicies", namespaced: true },
  goType: "*v1.NetworkPolicy",
  identity: namespacedName("networkpolicy"),
  families: [
    make.number("created", "ALPHA", "Unix creation timestamp of network policy", ({ metadata }) =>
      unixSeconds(metadata.creationTimestamp),
    ),
    make.annotations(),
    make.labels("ALPHA"),
    make.number(
      "spec_ingress_rules",
      "ALPHA",
      "Number of ingress rules on the networkpolicy",
      ({ spec }) => spec?.ingress?.length,
    ),
    make.number(
      "spec_egress_rules",
      "ALPHA",
      "Number of egress rules on the networkpolicy",
      ({ spec }) => spec?.egress?.length,
    ),
  ],
};
