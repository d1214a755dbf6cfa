/** What a placed flow consists of, and the measures both layouts share. All lengths in px. */
import type { FlowEdge, FlowNode, FlowNodeKind } from "@pharos/model";

export interface Box {
  node: FlowNode;
  x: number;
  y: number;
  width: number;
  height: number;
  /** One or two lines instead of a card with all facts. */
  compact: boolean;
}

export interface Arrow {
  edge: FlowEdge;
  path: string;
  /** Where the label sits; absent when the target's own box shows the numbers. */
  label?: { x: number; y: number /** The line runs between the word and the number. */; level?: boolean };
  /** Lies on another arrow: drawn without movement, which would only flicker. */
  still?: boolean;
}

export interface Heading {
  text: string;
  x: number;
  y: number;
}

export interface FlowLayout {
  width: number;
  height: number;
  boxes: Box[];
  arrows: Arrow[];
  headings: Heading[];
}

export const COMPACT: ReadonlySet<FlowNodeKind> = new Set(["exporter", "application", "channel"]);
export const HEADINGS: Partial<Record<FlowNodeKind, string>> = {
  exporter: "Exporters",
  application: "Applications",
  channel: "Channels",
};
export const GAP = 14;
export const HEADING = 26;
const CARD_FACTS = 6;

/** Facts a card has room for. */
export function cardFacts(node: FlowNode): FlowNode["facts"] {
  return node.facts.slice(0, CARD_FACTS);
}

export function boxHeight(node: FlowNode, dense = false): number {
  if (COMPACT.has(node.kind)) return dense ? 46 : 60;
  const facts = cardFacts(node).length;
  return 72 + facts * 23 + (facts > 0 ? 12 : 0);
}

export function gapOf(node: FlowNode, dense = false): number {
  return COMPACT.has(node.kind) && dense ? 8 : GAP;
}

export function stackHeight(nodes: readonly FlowNode[], dense = false): number {
  return nodes.reduce((sum, node, i) => sum + boxHeight(node, dense) + (i > 0 ? gapOf(node, dense) : 0), 0);
}
