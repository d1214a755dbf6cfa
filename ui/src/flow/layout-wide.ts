import type { Flow, FlowEdge, FlowNode, FlowNodeKind } from "@pharos/model";
import {
  type Arrow,
  type Box,
  boxHeight,
  COMPACT,
  type FlowLayout,
  GAP,
  gapOf,
  HEADING,
  HEADINGS,
  type Heading,
  stackHeight,
} from "./geometry.ts";

const COLUMN: Record<FlowNodeKind, number> = {
  resources: 0,
  exporter: 0,
  application: 0,
  operator: 1,
  prometheus: 1,
  dashboards: 1,
  rules: 2,
  alertmanager: 3,
  channel: 4,
};
const COLUMNS = 5;
const WIDEST = 244;
const GUTTER = 70;
/** From the control row at the top to the data row below it. */
const BAND = 62;
/** More targets than this are drawn in lines that stand closer. */
const ROOMY = 7;

export function layoutWide(flow: Flow, width: number): FlowLayout {
  const boxWidth = Math.min(WIDEST, (width - (COLUMNS - 1) * GUTTER) / COLUMNS);
  const gutter = (width - COLUMNS * boxWidth) / (COLUMNS - 1);
  const left = (column: number): number => column * (boxWidth + gutter);
  const of = (kind: FlowNodeKind): FlowNode[] => flow.nodes.filter((node) => node.kind === kind);
  const boxes: Box[] = [];
  const headings: Heading[] = [];
  const put = (nodes: readonly FlowNode[], column: number, top: number, dense = false): number => {
    let y = top;
    for (const node of nodes) {
      const height = boxHeight(node, dense);
      boxes.push({ node, x: left(column), y, width: boxWidth, height, compact: COMPACT.has(node.kind) });
      y += height + gapOf(node, dense);
    }
    return nodes.length > 0 ? boxes.at(-1)!.y + boxes.at(-1)!.height : top;
  };

  const middle = Math.max(put(of("resources"), 0, 0), put(of("operator"), 1, 0)) + BAND;
  const groups = [of("application"), of("exporter")].filter((group) => group.length > 0);
  const dense = groups.flat().length > ROOMY;
  const targets =
    groups.reduce((sum, group) => sum + HEADING + stackHeight(group, dense), 0) + 20 * (groups.length - 1);
  const prometheus = of("prometheus");
  const dashboards = of("dashboards");
  const data = stackHeight(prometheus) + (dashboards.length > 0 ? BAND + stackHeight(dashboards) : 0);
  const alertmanagers = of("alertmanager");
  const channels = of("channel");
  const total = Math.max(
    targets,
    data,
    stackHeight(of("rules")),
    stackHeight(alertmanagers),
    HEADING + stackHeight(channels),
  );

  let y = middle + Math.max(0, (total - targets) / 2);
  for (const group of groups) {
    headings.push({ text: HEADINGS[group[0]!.kind]!, x: 0, y });
    y = put(group, 0, y + HEADING, dense) + 20;
  }
  // Prometheus with its dashboards beside the middle of what it scrapes.
  const top = middle + Math.max(0, (total - data) / 2);
  const bottom = put(prometheus, 1, top);
  put(dashboards, 1, bottom + BAND);
  // The main line is straight: rules, Alertmanager and channels stand at the height of Prometheus' middle.
  const axis = top + stackHeight(prometheus) / 2;
  const centred = (nodes: readonly FlowNode[], column: number): number => {
    const start = Math.max(middle + (column === 4 ? HEADING : 0), axis - stackHeight(nodes) / 2);
    put(nodes, column, start);
    return start;
  };
  centred(of("rules"), 2);
  centred(alertmanagers, 3);
  if (channels.length > 0) headings.push({ text: HEADINGS.channel!, x: left(4), y: centred(channels, 4) - HEADING });

  const height = Math.max(...boxes.map((box) => box.y + box.height), 0) + 8;
  return { width, height, boxes, headings, arrows: route(flow.edges, boxes) };
}

function route(edges: readonly FlowEdge[], boxes: readonly Box[]): Arrow[] {
  const byId = new Map(boxes.map((box) => [box.node.id, box]));
  const incoming = new Map<string, number>();
  const drawn = edges.flatMap((edge) => {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    return from && to && from !== to ? [{ edge, from, to }] : [];
  });
  const isOver = ({ from, to }: { from: Box; to: Box }): boolean =>
    from.node.kind === "operator" && COLUMN[to.node.kind] > COLUMN.operator;
  const sideways = drawn.filter(
    (entry) => COLUMN[entry.from.node.kind] !== COLUMN[entry.to.node.kind] && !isOver(entry),
  );
  for (const { to } of sideways) incoming.set(to.node.id, (incoming.get(to.node.id) ?? 0) + 1);
  // Arrows arrive in the order of the boxes they come from, so that they do not cross.
  sideways.sort((a, b) => a.from.y - b.from.y);
  const arrived = new Map<string, number>();
  const place = new Map(
    sideways.map(({ edge, to }) => {
      const index = arrived.get(to.node.id) ?? 0;
      arrived.set(to.node.id, index + 1);
      return [edge, index];
    }),
  );
  return drawn.map((entry): Arrow => {
    const { edge, from, to } = entry;
    if (COLUMN[from.node.kind] === COLUMN[to.node.kind]) return vertical(edge, from, to);
    if (isOver(entry)) return overTheTop(edge, from, to);
    return curve(edge, from, to, place.get(edge) ?? 0, incoming.get(to.node.id) ?? 1);
  });
}

function vertical(edge: FlowEdge, from: Box, to: Box): Arrow {
  const down = from.y < to.y;
  const x = from.x + from.width / 2;
  const y1 = down ? from.y + from.height : from.y;
  const y2 = down ? to.y - 5 : to.y + to.height + 5;
  return { edge, path: `M${x} ${y1} V${y2}`, label: { x, y: (y1 + y2) / 2 } };
}

/** Over the main line and down into the box. */
function overTheTop(edge: FlowEdge, from: Box, to: Box): Arrow {
  const corner = 16;
  const y1 = from.y + Math.min(40, from.height / 2);
  const x1 = from.x + from.width;
  const x2 = to.x + to.width / 2;
  const y2 = to.y - 5;
  return {
    edge,
    path: `M${x1} ${y1} H${x2 - corner} Q${x2} ${y1} ${x2} ${y1 + corner} V${y2}`,
    label: { x: x2, y: (y1 + corner + y2) / 2 },
  };
}

function curve(edge: FlowEdge, from: Box, to: Box, index: number, count: number): Arrow {
  const forward = from.x < to.x;
  const x1 = forward ? from.x + from.width : from.x;
  const x2 = forward ? to.x - 5 : to.x + to.width + 5;
  const y1 = from.y + from.height / 2;
  const target = to.y + to.height / 2;
  const level = Math.abs(y1 - target) < to.height / 2 - GAP && count === 1;
  if (level) {
    const many = from.compact || to.compact;
    return {
      edge,
      path: `M${x1} ${y1} H${x2}`,
      label: many ? undefined : { x: (x1 + x2) / 2, y: y1, level: true },
    };
  }
  const spread = Math.min(to.height - 40, (count - 1) * 12);
  const y2 = target + (count > 1 ? (index / (count - 1) - 0.5) * spread : 0);
  const bend = (x2 - x1) / 2;
  return {
    edge,
    path: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
    label: from.compact || to.compact ? undefined : { x: (x1 + x2) / 2, y: (y1 + y2) / 2 },
  };
}
