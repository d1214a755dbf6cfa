import type { Flow, FlowNodeKind } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { layoutFlow } from "./layout.ts";

const KINDS: FlowNodeKind[] = [
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

const flows = fc
  .array(fc.record({ kind: fc.constantFrom(...KINDS), facts: fc.nat(9) }), { maxLength: 40 })
  .map((parts): Flow => {
    const nodes = parts.map(({ kind, facts }, index) => ({
      id: `n${index}`,
      kind,
      title: `${kind} ${index}`,
      status: "ok" as const,
      facts: Array.from({ length: facts }, (_, fact) => ({ label: `fact ${fact}`, value: fact })),
    }));
    const edges = nodes.slice(1).map((node, index) => ({
      id: `e${index}`,
      from: nodes[index]!.id,
      to: node.id,
      label: "scrape",
      status: "ok" as const,
      facts: [],
    }));
    return { generatedAt: 0, nodes, edges, problems: [] };
  });

test("every node gets a box inside the drawing, no two boxes overlap, every edge an arrow", () => {
  fc.assert(
    fc.property(flows, fc.integer({ min: 300, max: 2000 }), (flow, width) => {
      const { boxes, arrows, height } = layoutFlow(flow, width);
      expect(boxes.map((box) => box.node.id).sort()).toEqual(flow.nodes.map((node) => node.id).sort());
      for (const [index, a] of boxes.entries()) {
        expect(a.x).toBeGreaterThanOrEqual(0);
        expect(a.x + a.width).toBeLessThanOrEqual(width + 0.01);
        expect(a.y + a.height).toBeLessThanOrEqual(height);
        for (const b of boxes.slice(index + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
          expect(apart, `${a.node.title} and ${b.node.title}`).toBe(true);
        }
      }
      expect(arrows.length).toBe(flow.edges.length);
      for (const arrow of arrows) expect(arrow.path).not.toContain("NaN");
    }),
    { numRuns: 150, seed: 7 },
  );
});
