import type { Flow, FlowNode, FlowNodeKind } from "@pharos/model/flow";
import { expect, test } from "vitest";
import { layoutFlow } from "./layout.ts";

const node = (id: string, kind: FlowNodeKind): FlowNode => ({ id, kind, title: id, status: "ok", facts: [] });
const edge = (from: string, to: string) => ({
  id: `${from}-${to}`,
  from,
  to,
  label: "x",
  status: "ok" as const,
  facts: [],
});

function overlap(a: { x: number; y: number; width: number; height: number }, b: typeof a): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

test.each([0, 1, 7, 40])(
  "with %d applications no two boxes overlap, all are on the canvas, every arrow is drawn",
  (count) => {
    const applications = Array.from({ length: count }, (_, i) => node(`app${i}`, "application"));
    const flow: Flow = {
      generatedAt: 0,
      nodes: [
      node("resources", "resources"), node("operator", "operator"), node("p", "prometheus"), node("p2", "prometheus"), node("r", "rules"),
      node("r2", "rules"), node("a", "alertmanager"), node("c", "channel"), node("d", "dashboards"), node("n", "exporter"), ...applications,
    ], // biome-ignore format: a list
      edges: [
        edge("resources", "operator"),
        edge("operator", "p"),
        edge("n", "p"),
        edge("p", "r"),
        edge("r", "a"),
        edge("a", "c"),
        edge("p", "d"),
        ...applications.map(({ id }) => edge(id, "p")),
      ],
      problems: [],
    };
    const { boxes, arrows, width, height } = layoutFlow(flow);
    expect(boxes).toHaveLength(flow.nodes.length);
    expect(arrows).toHaveLength(flow.edges.length);
    for (const [i, box] of boxes.entries()) {
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
      for (const other of boxes.slice(i + 1))
        expect(overlap(box, other), `${box.node.id} ${other.node.id}`).toBe(false);
    }
  },
);
