/** What is missing is drawn too: an Alertmanager without a channel tells nobody. */
import type { Flow, FlowNode } from "@pharos/model";

export const NO_CHANNEL = "no-channel";

export function withMissingChannel(flow: Flow): Flow {
  const alertmanagers = flow.nodes.filter(({ kind }) => kind === "alertmanager");
  if (alertmanagers.length === 0 || flow.nodes.some(({ kind }) => kind === "channel")) return flow;
  const ghost: FlowNode = {
    id: NO_CHANNEL,
    kind: "channel",
    title: "No channel",
    subtitle: "alerts reach nobody",
    status: "idle",
    facts: [],
  };
  return {
    ...flow,
    nodes: [...flow.nodes, ghost],
    edges: [
      ...flow.edges,
      ...alertmanagers.map(({ id }) => ({
        id: `${NO_CHANNEL}/${id}`,
        from: id,
        to: NO_CHANNEL,
        label: "notifications",
        status: "idle" as const,
        facts: [],
      })),
    ],
  };
}
