/** The definitions of the ten resources: whether those of a cluster can become ours without harm. */
import type { KubeClient, KubeObject } from "@pharos/kube";
import { parse } from "yaml";
import { CRD_TYPE } from "./kinds.ts";
import { crdTexts } from "./objects.ts";

interface Definition extends KubeObject {
  spec: { scope: string; versions: { name: string; served: boolean; storage: boolean }[] };
  status?: { storedVersions?: string[] };
}

/** Where upstream notes the version of the operator a definition comes with. */
const VERSION = "operator.prometheus.io/version";

export const ownDefinitions = (): Definition[] => crdTexts().map((text) => parse(text) as Definition);

/** Numeric parts compared one by one; a version that cannot be read is older. */
function isNewer(version: string, than: string): boolean {
  const numbers = (text: string): number[] =>
    text
      .split(/[.+-]/)
      .slice(0, 3)
      .map((part) => Number.parseInt(part, 10) || 0);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return false;
}

/** Why `next` must not take the place of `old`; nothing when it may. */
export function incompatibility(old: Definition, next: Definition): string | undefined {
  const names = new Set(next.spec.versions.map(({ name }) => name));
  const stored = old.status?.storedVersions?.find((name) => !names.has(name));
  if (stored) return `objects are stored as ${stored}, which the new definition does not have`;
  const served = new Set(next.spec.versions.flatMap((version) => (version.served ? [version.name] : [])));
  const lost = old.spec.versions.find((version) => version.served && !served.has(version.name));
  if (lost) return `version ${lost.name} is served now and would not be any more`;
  if (old.spec.scope !== next.spec.scope) return `it is ${old.spec.scope} and would become ${next.spec.scope}`;
  const [before, after] = [old, next].map(({ metadata }) => metadata.annotations?.[VERSION]);
  if (before && after && isNewer(before, after)) {
    return `it is of version ${before}, newer than ${after}: fields that objects use would be lost`;
  }
  return undefined;
}

export interface DefinitionState {
  name: string;
  next: Definition;
  /** Version of what is there; undefined when nothing is. */
  present?: string;
  incompatible?: string;
}

export async function compareDefinitions(client: KubeClient, signal?: AbortSignal): Promise<DefinitionState[]> {
  const present = new Map(
    (await client.list<Definition>(CRD_TYPE, {}, signal)).items.map((one) => [one.metadata.name, one]),
  );
  return ownDefinitions().map((next) => {
    const name = next.metadata.name ?? "";
    const old = present.get(name);
    if (!old) return { name, next };
    return {
      name,
      next,
      present: old.metadata.annotations?.[VERSION] ?? "unknown",
      incompatible: incompatibility(old, next),
    };
  });
}
