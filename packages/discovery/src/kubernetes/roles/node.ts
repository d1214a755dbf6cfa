import type { KubeObject } from "@pharos/kube";
import type { TargetLabels } from "@pharos/model";
import { joinHostPort, sanitize } from "../../labels.ts";
import { objectLabels, PREFIX } from "../labels.ts";
import type { Role } from "../role.ts";

interface Node extends KubeObject {
  spec?: { providerID?: string };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string }[];
    daemonEndpoints?: { kubeletEndpoint?: { Port?: number } };
  };
}

/** Preferred kinds of node addresses, best first. */
const ADDRESS_TYPES = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];

function nodeLabels(node: Node): TargetLabels {
  const out = objectLabels("node", node);
  out[`${PREFIX}node_provider_id`] = node.spec?.providerID ?? "";
  for (const { type, status } of node.status?.conditions ?? []) {
    out[`${PREFIX}node_condition_${sanitize(type.toLowerCase())}`] = status.toLowerCase();
  }
  return out;
}

export const nodeRole: Role<Node> = {
  kind: "node",
  companions: [],
  source: (_namespace, name) => `node/${name}`,
  references: () => [],
  group(node) {
    const { name = "" } = node.metadata;
    /** The first address of each kind. */
    const addresses = new Map<string, string>();
    for (const { type, address } of node.status?.addresses ?? []) {
      if (!addresses.has(type)) addresses.set(type, address);
    }
    const type = ADDRESS_TYPES.find((candidate) => addresses.has(candidate));
    if (type === undefined) return undefined;
    const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    const target: TargetLabels = { __address__: joinHostPort(addresses.get(type)!, port), instance: name };
    for (const [kind, address] of addresses) target[`${PREFIX}node_address_${sanitize(kind)}`] = address;
    return { source: this.source("", name), labels: nodeLabels(node), targets: [target] };
  },
};
