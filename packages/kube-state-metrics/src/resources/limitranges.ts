import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { quantityValue } from "../values/quantity.ts";
import type { ResourceList } from "../values/resource-units.ts";

const CONSTRAINTS = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

type Limit = { type?: string } & { [constraint in (typeof CONSTRAINTS)[number]]?: ResourceList };

interface LimitRange extends Wire {
  spec?: { limits?: Limit[] | null };
}

const make = new FamilyMaker<LimitRange>("kube_limitrange_");

export const limitranges: Resource<LimitRange> = {
  name: "limitranges",
  type: { group: "", version: "v1", plural: "limitranges", namespaced: true },
  goType: "*v1.LimitRange",
  identity: namespacedName("limitrange"),
  families: [
    {
      ...make.gauge("", "STABLE", "Information about limit range.", ({ spec }, emit) => {
        for (const limit of spec?.limits ?? []) {
          for (const constraint of CONSTRAINTS) {
            for (const [resource, quantity] of Object.entries(limit[constraint] ?? {})) {
              emit(quantityValue(quantity), ["resource", resource, "type", limit.type, "constraint", constraint]);
            }
          }
        }
      }),
      name: "kube_limitrange",
    },
    make.created("STABLE"),
  ],
};
