import { FamilyMaker, ownersOf, type Resource, type Wire } from "../family.ts";
import { unixSeconds } from "../values/time.ts";

interface Lease extends Wire {
  spec?: { holderIdentity?: string | null; renewTime?: string | null };
}

const make = new FamilyMaker<Lease>("kube_lease_");

export const leases: Resource<Lease> = {
  name: "leases",
  type: { group: "coordination.k8s.io", version: "v1", plural: "leases", namespaced: true },
  goType: "*v1.Lease",
  identity: ({ metadata }) => ["lease", metadata.name],
  families: [
    make.gauge("owner", "ALPHA", "Information about the Lease's owner.", ({ metadata, spec }, emit) => {
      const holder = spec?.holderIdentity ?? "";
      for (const { kind, name } of ownersOf(metadata)) {
        emit(1, ["owner_kind", kind, "owner_name", name, "namespace", metadata.namespace, "lease_holder", holder]);
      }
    }),
    make.gauge("renew_time", "ALPHA", "Kube lease renew time.", ({ metadata, spec }, emit) => {
      if (spec?.renewTime) emit(unixSeconds(spec.renewTime), ["namespace", metadata.namespace]);
    }),
  ],
};
