import type { Flow, FlowNodeKind } from "@pharos/model";
import {
  type Arrow,
  type Box,
  boxHeight,
  COMPACT,
  type FlowLayout,
  HEADING,
  HEADINGS,
  type Heading,
} from "./geometry.ts";

const ORDER: readonly FlowNodeKind[] = [
  "resources",
  "operator",
  "application",
  "exporter",
  "prometheus",
  "rules",
  "alertmanager",
  "channel",
  "dashboards",
];
const RAIL = 26;
const LANES = 3;
/** On a tablet boxes keep the width that they can be read at. */
const WIDEST = 480;

export function layoutNarrow(flow: Flow, width: number): FlowLayout {
  const boxWidth = Math.min(width - 2 * RAIL, WIDEST);
  const left = (width - boxWidth) / 2;
  const boxes: Box[] = [];
  const headings: Heading[] = [];
  let y = 0;
  let previous: FlowNodeKind | undefined;
  for (const kind of ORDER) {
    const nodes = flow.nodes.filter((node) => node.kind === kind);
    if (nodes.length === 0) continue;
    if (previous) y += COMPACT.has(kind) && COMPACT.has(previous) ? 6 : 38;
    const heading = HEADINGS[kind];
    if (heading) {
      headings.push({ text: heading, x: left, y });
      y += HEADING;
    }
    for (const node of nodes) {
      const height = boxHeight(node, true);
      boxes.push({ node, x: left, y, width: boxWidth, height, compact: COMPACT.has(kind) });
      y += height + 8;
    }
    previous = kind;
  }
  return { width, height: y + 8, boxes, headings, arrows: route(flow, boxes, left, boxWidth, width) };
}

function route(flow: Flow, boxes: readonly Box[], left: number, boxWidth: number, width: number): Arrow[] {
  const byId = new Map(boxes.map((box, index) => [box.node.id, { box, index }]));
  const arrows: Arrow[] = [];
  const lanes = new Map<string, number>();
  const busy = new Set<string>();
  for (const edge of flow.edges) {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    if (!from || !to || from === to) continue;
    if (to.index === from.index + 1 && !from.box.compact) {
      const x = width / 2;
      const y1 = from.box.y + from.box.height;
      const y2 = to.box.y - 5;
      arrows.push({ edge, path: `M${x} ${y1} V${y2}`, label: y2 - y1 > 24 ? { x, y: (y1 + y2) / 2 } : undefined });
      continue;
    }
    const scraped = from.box.compact;
    const lane = scraped ? 0 : Math.min(LANES - 1, lanes.get(edge.from) ?? 0);
    lanes.set(edge.from, lane + 1);
    const side = scraped ? -1 : 1;
    const edgeX = scraped ? left : left + boxWidth;
    const x = edgeX + side * (9 + lane * 6);
    const y1 = from.box.y + Math.min(from.box.height / 2, 34);
    const y2 = to.box.y + Math.min(to.box.height / 2, scraped ? 34 : 46);
    const turn = y2 > y1 ? 8 : -8;
    const rail = `${x} ${edge.to}`;
    arrows.push({
      edge,
      path: `M${edgeX} ${y1} Q${x} ${y1} ${x} ${y1 + turn} V${y2 - turn} Q${x} ${y2} ${edgeX + side * 4} ${y2}`,
      still: busy.has(rail),
    });
    busy.add(rail);
  }
  return arrows;
}
