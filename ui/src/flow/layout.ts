/**
 * Places the flow's boxes and draws its arrows from the kinds of the nodes alone, for any number of them. Wide: the
 * mission's drawing, left to right. Narrow: the same order from top to bottom, long arrows in rails at both sides.
 */
import type { Flow, FlowEdge, FlowNode, FlowNodeKind } from "@pharos/model";

export interface Box {
  node: FlowNode;
  x: number;
  y: number;
  width: number;
  height: number;
  compact: boolean;
}

export interface Arrow {
  edge: FlowEdge;
  path: string;
  /** Where the label sits; absent when the target's own box shows the numbers. */
  label?: { x: number; y: number };
}

export interface Heading {
  text: string;
  x: number;
  y: number;
}

export interface FlowLayout {
  wide: boolean;
  width: number;
  height: number;
  boxes: Box[];
  arrows: Arrow[];
  headings: Heading[];
}

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
const COMPACT: ReadonlySet<FlowNodeKind> = new Set(["exporter", "application", "channel"]);
const NARROW_ORDER: readonly FlowNodeKind[] = [
  "resources",
  "operator",
  "exporter",
  "application",
  "prometheus",
  "rules",
  "alertmanager",
  "channel",
  "dashboards",
];
export const WIDE_FROM = 980;
const GAP = 14;
const COMPACT_HEIGHT = 60;
const HEADING = 26;

export function boxHeight(node: FlowNode): number {
  if (COMPACT.has(node.kind)) return COMPACT_HEIGHT;
  return 72 + Math.min(node.facts.length, 6) * 23 + (node.facts.length > 0 ? 12 : 0);
}

function stackHeight(nodes: readonly FlowNode[]): number {
  return nodes.reduce((sum, node) => sum + boxHeight(node) + GAP, -GAP);
}

const of = (flow: Flow, ...kinds: FlowNodeKind[]): FlowNode[] => flow.nodes.filter((node) => kinds.includes(node.kind));

export function layoutFlow(flow: Flow, width: number): FlowLayout {
  return width >= WIDE_FROM ? layoutWide(flow, width) : layoutNarrow(flow, width);
}

function layoutWide(flow: Flow, width: number): FlowLayout {
  const boxWidth = Math.min(244, (width - 4 * 66) / 5);
  const gutter = (width - 5 * boxWidth) / 4;
  const left = (column: number): number => column * (boxWidth + gutter);
  const boxes: Box[] = [];
  const headings: Heading[] = [];
  const put = (nodes: readonly FlowNode[], column: number, top: number): number => {
    let y = top;
    for (const node of nodes) {
      const height = boxHeight(node);
      boxes.push({ node, x: left(column), y, width: boxWidth, height, compact: COMPACT.has(node.kind) });
      y += height + GAP;
    }
    return y - GAP;
  };

  const resources = of(flow, "resources");
  const operator = of(flow, "operator");
  const exporters = of(flow, "exporter");
  const applications = of(flow, "application");
  const prometheus = of(flow, "prometheus");
  const rules = of(flow, "rules");
  const alertmanagers = of(flow, "alertmanager");
  const channels = of(flow, "channel");
  const dashboards = of(flow, "dashboards");

  const topBottom = Math.max(put(resources, 0, 0), put(operator, 1, 0), 0);
  const middle = topBottom + 62;
  const targetsHeight =
    (exporters.length > 0 ? HEADING + stackHeight(exporters) : 0) +
    (exporters.length > 0 && applications.length > 0 ? 18 : 0) +
    (applications.length > 0 ? HEADING + stackHeight(applications) : 0);
  const dashboardsHeight = dashboards.length > 0 ? 62 + stackHeight(dashboards) : 0;
  const core = Math.max(stackHeight(prometheus), stackHeight(rules), stackHeight(alertmanagers), 0);
  const channelsHeight = channels.length > 0 ? HEADING + stackHeight(channels) : 0;
  const total = Math.max(targetsHeight, stackHeight(prometheus) + dashboardsHeight, core, channelsHeight);

  let y = middle;
  if (exporters.length > 0) {
    headings.push({ text: "Exporters", x: 0, y });
    y = put(exporters, 0, y + HEADING) + 18;
  }
  if (applications.length > 0) {
    headings.push({ text: "Applications", x: 0, y });
    put(applications, 0, y + HEADING);
  }
  const prometheusBottom = put(
    prometheus,
    1,
    middle + Math.max(0, (total - dashboardsHeight - stackHeight(prometheus)) * 0.35),
  );
  if (dashboards.length > 0)
    put(dashboards, 1, Math.max(prometheusBottom + 62, middle + total - stackHeight(dashboards)));
  // Rules, Alertmanager and channels stand at the height of Prometheus' middle, so that the main line is straight.
  const prometheusBoxes = boxes.filter((box) => box.node.kind === "prometheus");
  const axis =
    prometheusBoxes.length > 0
      ? (prometheusBoxes[0]!.y + prometheusBoxes.at(-1)!.y + prometheusBoxes.at(-1)!.height) / 2
      : middle + total / 2;
  const centred = (nodes: readonly FlowNode[], column: number, extra = 0): void => {
    const top = Math.max(middle, axis - stackHeight(nodes) / 2 - extra / 2);
    if (extra > 0 && nodes.length > 0) headings.push({ text: "Channels", x: left(column), y: top });
    put(nodes, column, top + extra);
  };
  centred(rules, 2);
  centred(alertmanagers, 3);
  if (channels.length > 0) centred(channels, 4, HEADING);

  const height = Math.max(...boxes.map((box) => box.y + box.height), 0) + 8;
  return { wide: true, width, height, boxes, headings, arrows: wideArrows(flow.edges, boxes) };
}

function wideArrows(edges: readonly FlowEdge[], boxes: readonly Box[]): Arrow[] {
  const byId = new Map(boxes.map((box) => [box.node.id, box]));
  const arrows: Arrow[] = [];
  const fanIn = new Map<string, number>();
  const fanInAll = new Map<string, number>();
  for (const edge of edges) fanInAll.set(edge.to, (fanInAll.get(edge.to) ?? 0) + (byId.has(edge.from) ? 1 : 0));
  for (const edge of edges) {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    if (!from || !to || from === to) continue;
    const fromColumn = COLUMN[from.node.kind];
    const toColumn = COLUMN[to.node.kind];
    if (fromColumn === toColumn) {
      const down = from.y < to.y;
      const x = from.x + from.width / 2;
      const y1 = down ? from.y + from.height : from.y;
      const y2 = down ? to.y - 5 : to.y + to.height + 5;
      arrows.push({ edge, path: `M${x} ${y1} V${y2}`, label: { x, y: (y1 + y2) / 2 } });
    } else if (from.node.kind === "operator" && toColumn > fromColumn) {
      // Over the main line and down into the box.
      const y1 = from.y + Math.min(40, from.height / 2) + (toColumn - 2) * 0;
      const x1 = from.x + from.width;
      const x2 = to.x + to.width / 2;
      const y2 = to.y - 5;
      const r = 14;
      arrows.push({
        edge,
        path: `M${x1} ${y1} H${x2 - r} Q${x2} ${y1} ${x2} ${y1 + r} V${y2}`,
        label: { x: x2, y: Math.max(y1 + 40, (y1 + y2) / 2) },
      });
    } else {
      const forward = toColumn > fromColumn;
      const x1 = forward ? from.x + from.width : from.x;
      const x2 = forward ? to.x - 5 : to.x + to.width + 5;
      const y1 = from.y + from.height / 2;
      const count = fanInAll.get(edge.to) ?? 1;
      const index = fanIn.get(edge.to) ?? 0;
      fanIn.set(edge.to, index + 1);
      const level = Math.abs(y1 - (to.y + to.height / 2)) < 40 && count < 3;
      const spread = Math.min(to.height - 40, (count - 1) * 12);
      const y2 = level ? y1 : to.y + to.height / 2 + (count > 1 ? (index / (count - 1) - 0.5) * spread : 0);
      const bend = (x2 - x1) / 2;
      const many = from.compact || to.compact;
      arrows.push({
        edge,
        path: level ? `M${x1} ${y1} H${x2}` : `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
        label: many ? undefined : { x: (x1 + x2) / 2, y: (y1 + y2) / 2 },
      });
    }
  }
  return arrows;
}

function layoutNarrow(flow: Flow, width: number): FlowLayout {
  const rail = 26;
  // On a tablet boxes keep the width that they can be read at.
  const boxWidth = Math.min(width - 2 * rail, 480);
  const left = (width - boxWidth) / 2;
  const boxes: Box[] = [];
  const headings: Heading[] = [];
  let y = 0;
  let previous: FlowNodeKind | undefined;
  for (const kind of NARROW_ORDER) {
    const nodes = of(flow, kind);
    if (nodes.length === 0) continue;
    if (previous) y += COMPACT.has(kind) && COMPACT.has(previous) ? 4 : 36;
    const heading =
      kind === "exporter"
        ? "Exporters"
        : kind === "application"
          ? "Applications"
          : kind === "channel"
            ? "Channels"
            : "";
    if (heading) {
      headings.push({ text: heading, x: left, y });
      y += HEADING;
    }
    for (const node of nodes) {
      const height = boxHeight(node);
      boxes.push({ node, x: left, y, width: boxWidth, height, compact: COMPACT.has(kind) });
      y += height + 10;
    }
    previous = kind;
  }
  const byId = new Map(boxes.map((box, index) => [box.node.id, { box, index }]));
  const arrows: Arrow[] = [];
  const sources = new Map<string, number>();
  for (const edge of flow.edges) {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    if (!from || !to || from === to) continue;
    if (to.index === from.index + 1) {
      const x = width / 2;
      const y1 = from.box.y + from.box.height;
      const y2 = to.box.y - 5;
      arrows.push({ edge, path: `M${x} ${y1} V${y2}`, label: y2 - y1 > 24 ? { x, y: (y1 + y2) / 2 } : undefined });
      continue;
    }
    const targets = from.box.compact;
    const lane = targets ? 0 : Math.min(2, sources.get(edge.from) ?? 0);
    sources.set(edge.from, lane + 1);
    const side = targets ? -1 : 1;
    const edgeX = targets ? left : left + boxWidth;
    const x = edgeX + side * (9 + lane * 6);
    const y1 = from.box.y + Math.min(from.box.height / 2, 34);
    const y2 = to.box.y + Math.min(to.box.height / 2, targets ? 34 : 46);
    const turn = y2 > y1 ? 8 : -8;
    arrows.push({
      edge,
      path: `M${edgeX} ${y1} Q${x} ${y1} ${x} ${y1 + turn} V${y2 - turn} Q${x} ${y2} ${edgeX + side * 4} ${y2}`,
    });
  }
  return { wide: false, width, height: y + 8, boxes, arrows, headings };
}
