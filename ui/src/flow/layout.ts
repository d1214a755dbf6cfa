/** Places the boxes of the flow: what is scraped on the left, then Prometheus, rules, Alertmanager, channels; control above. */
import type { Flow, FlowEdge, FlowNode, FlowNodeKind } from "@pharos/model/flow";

export interface Box {
  node: FlowNode;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Arrow {
  edge: FlowEdge;
  /** SVG path. */
  path: string;
  /** Where the label stands. */
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  boxes: Box[];
  arrows: Arrow[];
}

const WIDTH = 208;
const SMALL = 74;
const LARGE = 112;
const GAP_X = 84;
const GAP_Y = 16;
const TOP = 150;

/** Column of each kind in the main band; resources, operator and dashboards have places of their own. */
const COLUMNS: Partial<Record<FlowNodeKind, number>> = {
  exporter: 0,
  application: 0,
  prometheus: 1,
  rules: 2,
  alertmanager: 3,
  channel: 4,
};

function heightOf({ kind }: FlowNode): number {
  return kind === "exporter" ||
    kind === "application" ||
    kind === "channel" ||
    kind === "resources" ||
    kind === "operator"
    ? SMALL
    : LARGE;
}

function columnX(column: number): number {
  return column * (WIDTH + GAP_X);
}

/** Stacks boxes around a middle. */
function stack(nodes: readonly FlowNode[], column: number, middle: number, gap = GAP_Y): Box[] {
  const total = nodes.reduce((sum, node) => sum + heightOf(node), 0) + Math.max(0, nodes.length - 1) * gap;
  let y = middle - total / 2;
  return nodes.map((node) => {
    const box = { node, x: columnX(column), y, width: WIDTH, height: heightOf(node) };
    y += box.height + gap;
    return box;
  });
}

function curve(from: Box, to: Box, shift: number): { path: string; x: number; y: number } {
  // Side by side: out at the right, in at the left. One above the other: out below, in above.
  const sideways = to.x >= from.x + from.width;
  if (sideways) {
    const x1 = from.x + from.width;
    const y1 = from.y + from.height / 2;
    const x2 = to.x - 5;
    const y2 = to.y + to.height / 2 + shift;
    const bend = Math.max(28, (x2 - x1) / 2);
    return {
      path: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`,
      x: (x1 + x2) / 2,
      y: (y1 + y2) / 2,
    };
  }
  const down = to.y > from.y;
  const x1 = from.x + from.width / 2;
  const y1 = down ? from.y + from.height : from.y;
  const x2 = to.x + to.width / 2 + shift;
  const y2 = down ? to.y - 5 : to.y + to.height + 5;
  const bend = (y2 - y1) / 2;
  return {
    path: `M${x1},${y1} C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}`,
    x: (x1 + x2) / 2,
    y: (y1 + y2) / 2,
  };
}

export function layoutFlow({ nodes, edges }: Flow): Layout {
  const columns = new Map<number, FlowNode[]>();
  for (const node of nodes) {
    const column = COLUMNS[node.kind];
    if (column === undefined) continue;
    columns.set(column, [...(columns.get(column) ?? []), node]);
  }
  // Applications are what people come for: above the exporters.
  columns
    .get(0)
    ?.sort((a, b) => Number(a.kind === "exporter") - Number(b.kind === "exporter") || a.title.localeCompare(b.title));
  const tallest = Math.max(
    ...[...columns.values()].map((list) => list.reduce((sum, node) => sum + heightOf(node) + GAP_Y, 0)),
    LARGE + GAP_Y,
  );
  const middle = TOP + tallest / 2;
  const boxes = [...columns].flatMap(([column, list]) =>
    stack(list, column, middle, column === 0 || column === 4 ? GAP_Y : 3 * GAP_Y),
  );
  const only = (kind: FlowNodeKind): FlowNode | undefined => nodes.find((node) => node.kind === kind);
  const place = (kind: FlowNodeKind, column: number, y: number): void => {
    const node = only(kind);
    if (node) boxes.push({ node, x: columnX(column), y, width: WIDTH, height: heightOf(node) });
  };
  place("resources", 1, 0);
  place("operator", 2, 0);
  const rulesBottom = Math.max(
    middle + LARGE / 2,
    ...boxes.filter(({ node }) => node.kind === "rules").map(({ y, height }) => y + height),
  );
  place("dashboards", 2, rulesBottom + 3 * GAP_Y);

  const byId = new Map(boxes.map((box) => [box.node.id, box]));
  const arrows: Arrow[] = [];
  for (const edge of edges) {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    if (from && to) arrows.push({ edge, ...curve(from, to, 0) });
  }
  return {
    width: Math.max(...boxes.map(({ x, width }) => x + width)),
    height: Math.max(...boxes.map(({ y, height }) => y + height)) + 8,
    boxes,
    arrows,
  };
}
