/** Keeps the drawing readable with many targets: those with problems are shown, healthy ones beyond the limit as one box. */
import type { Flow, FlowEdge, FlowFact, FlowNode, FlowStatus } from "@pharos/model";

/** Id of the box that stands for the folded ones. */
export const FOLDED = "folded-targets";

const URGENCY: Record<FlowStatus, number> = { error: 0, warning: 1, idle: 2, ok: 3 };

export function worst(states: Iterable<FlowStatus>): FlowStatus {
  let result: FlowStatus = "ok";
  for (const state of states) if (URGENCY[state] < URGENCY[result]) result = state;
  return result;
}

/** Adds up facts of the same name: numbers as numbers, "2/3" part by part. */
export function addFacts(lists: readonly (readonly FlowFact[])[]): FlowFact[] {
  const sums = new Map<string, FlowFact>();
  for (const fact of lists.flat()) {
    const known = sums.get(fact.label);
    if (!known) sums.set(fact.label, { ...fact });
    else if (typeof known.value === "number" && typeof fact.value === "number") known.value += fact.value;
    else {
      const left = /^(\d+)\/(\d+)$/.exec(String(known.value));
      const right = /^(\d+)\/(\d+)$/.exec(String(fact.value));
      if (left && right) known.value = `${Number(left[1]) + Number(right[1])}/${Number(left[2]) + Number(right[2])}`;
    }
  }
  return [...sums.values()];
}

/**
 * At most `limit` applications with their arrows, the most urgent first; `keep` is the id of a node or an edge that must
 * stay visible.
 */
export function foldTargets(flow: Flow, limit: number, keep = ""): Flow {
  const applications = flow.nodes
    .filter(({ kind }) => kind === "application")
    .sort((a, b) => URGENCY[a.status] - URGENCY[b.status] || a.title.localeCompare(b.title));
  const others = flow.nodes.filter(({ kind }) => kind !== "application");
  if (applications.length <= limit) return { ...flow, nodes: [...others, ...applications] };
  const kept = flow.edges.find(({ id }) => id === keep)?.from ?? keep;
  const shown = applications.slice(0, limit - 1);
  const wanted = applications.slice(limit - 1).find(({ id }) => id === kept);
  if (wanted) shown[shown.length - 1] = wanted;
  const visible = new Set([...others, ...shown].map(({ id }) => id));
  const folded = applications.filter(({ id }) => !visible.has(id));
  const more: FlowNode = {
    id: FOLDED,
    kind: "application",
    title: `${folded.length} more`,
    status: worst(folded.map(({ status }) => status)),
    facts: addFacts(folded.map(({ facts }) => facts)),
  };
  const foldedIds = new Set(folded.map(({ id }) => id));
  const edges: FlowEdge[] = [];
  const merged = new Map<string, FlowEdge[]>();
  for (const edge of flow.edges) {
    if (!foldedIds.has(edge.from)) edges.push(edge);
    else merged.set(edge.to, [...(merged.get(edge.to) ?? []), edge]);
  }
  for (const [to, group] of merged) {
    edges.push({
      id: `${FOLDED}/${to}`,
      from: FOLDED,
      to,
      label: group[0]!.label,
      status: worst(group.map(({ status }) => status)),
      facts: addFacts(group.map(({ facts }) => facts)),
    });
  }
  return { ...flow, nodes: [...others, ...shown, more], edges };
}
