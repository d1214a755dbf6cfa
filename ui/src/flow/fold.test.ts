import type { Flow, FlowNode, FlowStatus } from "@pharos/model";
import { expect, test } from "vitest";
import { addFacts, FOLDED, foldTargets } from "./fold.ts";

function flowOf(states: readonly FlowStatus[]): Flow {
  const prometheus: FlowNode = { id: "p", kind: "prometheus", title: "p", status: "ok", facts: [] };
  const applications = states.map(
    (status, i): FlowNode => ({
      id: `a${i}`,
      kind: "application",
      title: `app ${String(i).padStart(2, "0")}`,
      status,
      facts: [{ label: "targets up", value: "2/3" }],
    }),
  );
  return {
    generatedAt: 0,
    nodes: [prometheus, ...applications],
    edges: applications.map(({ id, status }) => ({
      id: `scrape/${id}`,
      from: id,
      to: "p",
      label: "scrape",
      status,
      facts: [{ label: "up", value: 2 }],
    })),
    problems: [],
  };
}

const shown = (flow: Flow): string[] => flow.nodes.filter(({ kind }) => kind === "application").map(({ id }) => id);

test("few applications stay as they are, the urgent ones first", () => {
  const flow = foldTargets(flowOf(["ok", "error", "warning"]), 3);
  expect(shown(flow)).toEqual(["a1", "a2", "a0"]);
  expect(flow.edges).toHaveLength(3);
});

test("of many the healthy ones become one box whose numbers are theirs together", () => {
  const flow = foldTargets(flowOf(["ok", "ok", "ok", "ok", "error", "ok"]), 3);
  expect(shown(flow)).toEqual(["a4", "a0", FOLDED]);
  const more = flow.nodes.find(({ id }) => id === FOLDED)!;
  expect([more.title, more.status, more.facts[0]!.value]).toEqual(["4 more", "ok", "8/12"]);
  const edge = flow.edges.find(({ from }) => from === FOLDED)!;
  expect([edge.to, edge.status, edge.facts[0]!.value]).toEqual(["p", "ok", 8]);
  expect(flow.edges).toHaveLength(3);
});

test("problems beyond the limit colour the box, and the one that is looked at stays visible", () => {
  const states: FlowStatus[] = Array.from({ length: 9 }, () => "warning");
  expect(foldTargets(flowOf(states), 4).nodes.at(-1)!.status).toBe("warning");
  expect(shown(foldTargets(flowOf(states), 4, "scrape/a8"))).toEqual(["a0", "a1", "a8", FOLDED]);
  expect(shown(foldTargets(flowOf(states), 4, "a7"))).toEqual(["a0", "a1", "a7", FOLDED]);
});

test("facts that cannot be added stay the first one's", () => {
  expect(addFacts([[{ label: "x", value: "a" }], [{ label: "x", value: "b" }]])).toEqual([{ label: "x", value: "a" }]);
});
