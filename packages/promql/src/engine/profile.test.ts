import { Labels } from "@pharos/model";
import { expect, it } from "vitest";
import { MemoryStorage } from "../promqltest/memory-storage.ts";
import { Engine } from "./engine.ts";
import type { PlanNode } from "./profile.ts";

function storage(): MemoryStorage {
  const out = new MemoryStorage();
  for (let s = 0; s < 6; s++) {
    const labels = Labels.from({ __name__: "requests_total", job: s < 4 ? "a" : "b", s: String(s) });
    for (let i = 0; i <= 20; i++) out.append(labels, { t: i * 15_000, value: i * s });
  }
  return out;
}

function explain(query: string): Promise<PlanNode> {
  const engine = new Engine();
  return engine.range(storage(), query, 60_000, 300_000, 60_000, { explain: true }).then(({ plan }) => plan!);
}

it("tells of each part of the plan what it took", async () => {
  const plan = await explain("sum by (job) (rate(requests_total[1m])) * 2");
  expect(plan).toMatchObject({ kind: "binary", operation: "*", series: 2, samples: 10, steps: 5, evaluations: 1 });
  const [sum, two] = plan.children;
  expect(sum).toMatchObject({ kind: "aggregate", operation: "sum by (job)", type: "vector", series: 2, samples: 10 });
  expect(two).toMatchObject({ kind: "number", operation: "2", type: "scalar", samples: 5 });
  const [rate] = sum.children;
  expect(rate).toMatchObject({ kind: "call", operation: "rate", series: 6, samples: 30, pos: { start: 14, end: 38 } });
  const [range] = rate.children;
  // Each of six series has 20 samples in the five windows of a minute.
  expect(range).toMatchObject({
    kind: "matrixSelector",
    query: "requests_total[1m]",
    series: 6,
    samples: 120,
    children: [],
  });
  expect(range.bytes).toBe(120 * 16);
  for (const node of [plan, sum, rate, range]) {
    expect(node.totalMs).toBeGreaterThan(0);
    expect(node.selfMs).toBeLessThanOrEqual(node.totalMs);
  }
  expect(plan.totalMs).toBeGreaterThanOrEqual(rate.totalMs);
});

it("shows what is evaluated once, and what is read without buckets", async () => {
  const plan = await explain("requests_total + on (s) (requests_total @ 60) + histogram_count(requests_total)");
  const [left, right] = plan.children;
  expect(left.children[1]).toMatchObject({ kind: "vectorSelector", invariant: true, series: 6 });
  expect(left.children[0]).toMatchObject({ kind: "vectorSelector", invariant: false, samples: 30 });
  expect(right.children[0]).toMatchObject({ statsOnly: true });
});

it("is plain data, and absent unless asked for", async () => {
  const plan = await explain("max_over_time(sum(requests_total)[2m:30s])");
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  expect(plan.children[0]).toMatchObject({ kind: "subquery", operation: "subquery", series: 1 });
  const { plan: none } = await new Engine().instant(storage(), "requests_total", 60_000);
  expect(none).toBeUndefined();
});
