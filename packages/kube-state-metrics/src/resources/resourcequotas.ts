import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { quantityValue } from "../values/quantity.ts";
import type { ResourceList } from "../values/resource-units.ts";

interface ResourceQuota extends Wire {
  status?: { hard?: ResourceList; used?: ResourceList };
}

const make = new FamilyMaker<ResourceQuota>("kube_resourcequota_");

export const resourcequotas: Resource<ResourceQuota> = {
  name: "resourcequotas",
  type: { group: "", version: "v1", plural: "resourcequotas", namespaced: true },
  goType: "*v1.ResourceQuota",
  identity: namespacedName("resourcequota"),
  families: [
    make.created("STABLE"),
    {
      ...make.gauge("", "STABLE", "Information about resource quota.", ({ status }, emit) => {
        for (const type of ["hard", "used"] as const) {
          for (const [resource, quantity] of Object.entries(status?.[type] ?? {})) {
            emit(quantityValue(quantity), ["resource", resource, "type", type]);
          }
        }
      }),
      name: "kube_resourcequota",
    },
    make.annotations(),
    make.labels("STABLE"),
  ],
};
