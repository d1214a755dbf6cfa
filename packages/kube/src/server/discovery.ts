/** Which kinds there are: the legacy lists and the aggregated answer kubectl prefers. */
import type { KindRegistry, ResourceKind } from "./kinds.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

function verbsOf({ withoutDeleteCollection }: ResourceKind): string[] {
  return withoutDeleteCollection ? VERBS.filter((verb) => verb !== "deletecollection") : VERBS;
}

/** Groups in the order their kinds were registered, each with its versions. */
function groups(kinds: KindRegistry): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const { group, version } of kinds.all()) {
    if (group === "") continue;
    const versions = out.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    out.set(group, versions);
  }
  // v1 before v1beta1 before v1alpha1: the first is preferred.
  for (const versions of out.values()) versions.sort((a, b) => rank(b) - rank(a));
  return out;
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return 0;
  return (
    Number(match[1]) + (match[2] === undefined ? 2000 : match[2] === "beta" ? 1000 : 0) + Number(match[3] ?? 0) / 100
  );
}

export function apiVersions(host: string) {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host }],
  };
}

function apiGroup(name: string, versions: string[]) {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

export function apiGroupList(kinds: KindRegistry) {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [...groups(kinds)].map(([name, versions]) => apiGroup(name, versions)),
  };
}

export function apiGroupOf(kinds: KindRegistry, name: string) {
  const versions = groups(kinds).get(name);
  return versions && { kind: "APIGroup", apiVersion: "v1", ...apiGroup(name, versions) };
}

export function apiResourceList(kinds: KindRegistry, group: string, version: string) {
  const served = kinds.all().filter((kind) => kind.group === group && kind.version === version);
  if (served.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: served.flatMap((kind) => [
      {
        name: kind.plural,
        singularName: kind.singular,
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: verbsOf(kind),
        ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
        ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
      },
      ...kind.subresources.map((name) => ({
        name: `${kind.plural}/${name}`,
        singularName: "",
        namespaced: kind.namespaced,
        kind: name === "scale" ? "Scale" : kind.kind,
        ...(name === "scale" ? { group: "autoscaling", version: "v1" } : {}),
        verbs: ["get", "patch", "update"],
      })),
    ]),
  };
}

function aggregatedResource(kind: ResourceKind) {
  const { group, version } = kind;
  return {
    resource: kind.plural,
    responseKind: { group, version, kind: kind.kind },
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((name) => ({
            subresource: name,
            responseKind:
              name === "scale"
                ? { group: "autoscaling", version: "v1", kind: "Scale" }
                : { group, version, kind: kind.kind },
            verbs: ["get", "patch", "update"],
          })),
        }
      : {}),
  };
}

/** The answer to `as=APIGroupDiscoveryList`: everything under /api or under /apis at once. */
export function aggregatedDiscovery(kinds: KindRegistry, root: "api" | "apis", apiVersion: string) {
  const versionsOf = (group: string, versions: readonly string[]) =>
    versions.map((version) => ({
      version,
      resources: kinds
        .all()
        .filter((kind) => kind.group === group && kind.version === version)
        .map(aggregatedResource),
      freshness: "Current",
    }));
  const items =
    root === "api"
      ? [{ metadata: { creationTimestamp: null }, versions: versionsOf("", ["v1"]) }]
      : [...groups(kinds)].map(([name, versions]) => ({
          metadata: { name, creationTimestamp: null },
          versions: versionsOf(name, versions),
        }));
  return { kind: "APIGroupDiscoveryList", apiVersion, metadata: {}, items };
}
