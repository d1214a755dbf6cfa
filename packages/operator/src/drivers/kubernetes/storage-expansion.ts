/**
 * More storage for a running instance. The template of a StatefulSet cannot be changed, so the claims are made larger
 * one by one and the StatefulSet is made anew around its running Pods: nothing is stopped and nothing is deleted.
 */
import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { quantityNumber } from "../../prometheus/endpoint.ts";

interface Claim {
  metadata: { name?: string };
  spec?: { resources?: { requests?: { storage?: string } } };
}

interface StatefulSet extends KubeObject {
  spec: { volumeClaimTemplates?: Claim[] };
}

export interface ExpansionPlan {
  /** Claims to be patched, with the size they are to ask for. */
  claims: { name: string; storage: string }[];
  /** Whether the template must change, and with it the StatefulSet be made anew. */
  recreate: boolean;
}

function sizeOf(claim: Claim | undefined): string | undefined {
  return claim?.spec?.resources?.requests?.storage;
}

/** `claims`: the claims of the StatefulSet there are. Throws when a volume would have to shrink. */
export function planExpansion(known: KubeObject, wanted: KubeObject, claims: readonly KubeObject[]): ExpansionPlan {
  const plan: ExpansionPlan = { claims: [], recreate: false };
  const before = (known as StatefulSet).spec.volumeClaimTemplates ?? [];
  for (const template of (wanted as StatefulSet).spec.volumeClaimTemplates ?? []) {
    const size = sizeOf(template);
    if (!size) continue;
    const old = before.find(({ metadata }) => metadata.name === template.metadata.name);
    const oldSize = sizeOf(old);
    if (oldSize && quantityNumber(size) < quantityNumber(oldSize)) {
      throw new UserError("operator.invalid", `storage of ${oldSize} cannot shrink to ${size}`, {
        where: { field: "spec.storage.volumeClaimTemplate.spec.resources.requests.storage" },
        fix: "Kubernetes only enlarges volumes: ask for at least what there is",
      });
    }
    if (oldSize && quantityNumber(size) > quantityNumber(oldSize)) plan.recreate = true;
    const prefix = `${template.metadata.name}-${wanted.metadata.name}-`;
    for (const claim of claims as readonly Claim[]) {
      const name = claim.metadata.name ?? "";
      if (!name.startsWith(prefix) || !/^\d+$/.test(name.slice(prefix.length))) continue;
      const current = sizeOf(claim);
      if (current && quantityNumber(size) > quantityNumber(current)) plan.claims.push({ name, storage: size });
    }
  }
  return plan;
}
