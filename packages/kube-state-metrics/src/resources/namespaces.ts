import { type Condition, clusterName, FamilyMaker, type Resource, type Wire } from "../family.ts";

interface Namespace extends Wire {
  status?: { phase?: string; conditions?: Condition[] | null };
}

const PHASES = ["Active", "Terminating"];
const make = new FamilyMaker<Namespace>("kube_namespace_");

export const namespaces: Resource<Namespace> = {
  name: "namespaces",
  type: { group: "", version: "v1", plural: "namespaces" },
  goType: "*v1.Namespace",
  identity: clusterName("namespace"),
  families: [
    make.created("STABLE"),
    make.annotations(),
    make.labels("STABLE"),
    make.gauge("status_phase", "STABLE", "kubernetes namespace status phase.", ({ status }, emit) => {
      for (const phase of PHASES) emit(Number(phase === status?.phase), ["phase", phase]);
    }),
    make.conditions("status_condition", "ALPHA", "The condition of a namespace.", ({ status }) => status?.conditions),
  ],
};
