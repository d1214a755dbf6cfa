import { Labels, type Matcher, type Queryable } from "@pharos/model";
import { describe, expect, it } from "vitest";
import { parseExpr } from "../parser/parse.ts";
import { prettify } from "../parser/printer.ts";
import { MemoryStorage } from "../promqltest/memory-storage.ts";
import { runPromqltest } from "../promqltest/run.ts";
import { Engine } from "./engine.ts";
import { QueryError } from "./error.ts";
import { xxHash64 } from "./hash.ts";
import { natural } from "./natural.ts";

/** Scripts of our own in the language of the conformance files. */
const SCRIPTS: Record<string, string> = {
  "rates and resets": `
load 30s
  requests_total{pod="a"} 0+3x10
  requests_total{pod="b"} 0 10 20 5 15
  gauge 0+1x10

eval instant at 5m rate(requests_total{pod="a"}[2m])
  expect no_info
  {pod="a"} 0.1

eval instant at 2m increase(requests_total{pod="b"}[2m])
  {pod="b"} 33.3333333

eval instant at 2m resets(requests_total{pod="b"}[5m])
  {pod="b"} 1

eval instant at 2m irate(requests_total[2m])
  {pod="a"} 0.1
  {pod="b"} 0.333333333

eval instant at 5m rate(gauge[2m])
  expect info msg: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (1:6)
  {} 0.0333333333
`,
  "joins and sets": `
load 1m
  cpu{pod="a", node="n1"} 1x5
  cpu{pod="b", node="n1"} 2x5
  cpu{pod="c", node="n2"} 3x5
  node_info{node="n1", zone="z1"} 1x5
  node_info{node="n2", zone="z2"} 1x5
  limit{pod="a"} 2x5

eval instant at 1m sum by (zone) (cpu * on(node) group_left(zone) node_info)
  {zone="z1"} 3
  {zone="z2"} 3

eval instant at 1m cpu / ignoring(node) limit
  {pod="a"} 0.5

eval instant at 1m cpu unless on(pod) limit
  cpu{pod="b", node="n1"} 2
  cpu{pod="c", node="n2"} 3

eval instant at 1m limit or on(pod) cpu
  limit{pod="a"} 2
  cpu{pod="b", node="n1"} 2
  cpu{pod="c", node="n2"} 3

eval instant at 1m node_info * on(node) cpu
  expect fail regex: found duplicate series for the match group {node="n1"} on the right hand-side

eval instant at 1m cpu * on(node) node_info
  expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

eval range from 0 to 2m step 1m cpu > bool 1
  {pod="a", node="n1"} 0 0 0
  {pod="b", node="n1"} 1 1 1
  {pod="c", node="n2"} 1 1 1
`,
  "what a comparison with another engine found": `
load 1m
  info{pod="a", uid="1"} 7x5
  info{pod="b", uid="2"} 7x5
  ready{pod="a", n="1"} 1x5
  ready{pod="b", n="1"} 1x5
  empty{pod="a"} _x2 1x3
  tie{i="1"} 0 0
  tie{i="2"} 1 1
  tie{i="3"} 1 1
  tie{i="4"} 1 1
  bad NaN
  begins{pod="x"} _ _ 1 2 3
  early{pod="x"} 1 2 stale
  late{pod="x"} _x4 3 4 5 6 7 8 9 10

eval instant at 1m count by (pod) (max by (pod) (info) unless on (pod) ready > 5)
  {pod="a"} 1
  {pod="b"} 1

eval instant at 0 empty * on (n) ready

eval instant at 3m empty * on (n) ready
  expect fail regex: found duplicate series for the match group {n="1"} on the right hand-side

eval range from 1m to 3m step 1m empty * on (n) ready
  expect fail regex: found duplicate series for the match group {n="1"} on the right hand-side

eval range from 0 to 1m step 1m bottomk(2, tie)
  tie{i="1"} 0 0
  tie{i="2"} 1 1

eval range from 0 to 1m step 1m topk(2, tie)
  tie{i="2"} 1 1
  tie{i="3"} 1 1

eval instant at 1m topk(0, ready * on (n) ready)
  expect fail regex: found duplicate series

eval instant at 0 clamp_min(bad, Inf)
  {} +Inf

eval instant at 0 clamp_max(bad, -Inf)
  {} -Inf

eval instant at 0 month(bad)
  {} 12

eval range from 0 to 4m step 1m begins or ignoring (v) idelta((begins offset -2m)[2m:1m])
  {pod="x"} _ 1 1 2 3

eval range from 0 to 5m step 1m -{__name__=~"early|late"}
  {pod="x"} -1 -2 _ _ -3 -4
`,
  aggregations: `
load 1m
  m{i="1"} 1 NaN
  m{i="2"} 5 5
  m{i="3"} 3 _
  h {{count:2 sum:2 buckets:[1 1]}}

eval instant at 0 topk(2, m)
  expect ordered
  m{i="2"} 5
  m{i="3"} 3

eval instant at 0 bottomk(1, m)
  m{i="1"} 1

eval range from 0 to 1m step 1m max(m)
  {} 5 5

eval instant at 0 quantile(0.5, m)
  {} 3

eval instant at 0 stddev(m)
  {} 1.632993161855452

eval instant at 0 count_values("v", m)
  {v="1"} 1
  {v="5"} 1
  {v="3"} 1

eval instant at 0 sum({__name__=~"m|h"})
  expect warn msg: PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)

eval instant at 0 max({__name__=~"m|h"})
  expect info msg: PromQL info: ignored histogram in max aggregation (1:5)
  {} 5

eval instant at 0 quantile(1.5, m)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:10)
  {} +Inf
`,
  time: `
load 1m
  m 0 1 2 stale 4 5 6 7 8 9 10

eval range from 0 to 5m step 1m m
  m 0 1 2 _ 4 5

eval instant at 20m m

eval instant at 10m m offset 5m
  m 5

eval instant at 1m m @ 300
  m 5

eval range from 4m to 6m step 1m m @ end() - m
  {} 2 1 0

eval instant at 10m avg_over_time(m[3m:1m])
  {} 9

eval instant at 10m max_over_time(deriv(m[3m])[4m:1m]) * 60
  {} 1

eval range from 0 to 1m step 30s timestamp(m)
  {} 0 0 60

eval instant at 0 day_of_week(vector(1700000000))
  {} 2

eval instant at 0 absent(nothing{a="b", c=~"d"})
  {a="b"} 1
`,
  labels: `
load 1m
  m{a="x-1"} 1
  m{a="x-2"} 2

eval instant at 0 label_replace(m, "b", "$1", "a", "x-(.*)")
  m{a="x-1", b="1"} 1
  m{a="x-2", b="2"} 2

eval instant at 0 label_join(m, "b", "/", "a", "a")
  m{a="x-1", b="x-1/x-1"} 1
  m{a="x-2", b="x-2/x-2"} 2

eval instant at 0 label_replace(m, "a", "", "a", ".*")
  expect fail msg: vector cannot contain metrics with the same labelset

eval instant at 0 sort_by_label_desc(m, "a")
  expect ordered
  m{a="x-2"} 2
  m{a="x-1"} 1
`,
  histograms: `
load 1m
  c_bucket{le="1"} 0+2x10
  c_bucket{le="2"} 0+4x10
  c_bucket{le="+Inf"} 0+4x10
  n {{count:4 sum:6 buckets:[2 2]}}+{{count:4 sum:6 buckets:[2 2]}}x10

eval instant at 10m histogram_quantile(0.75, rate(c_bucket[5m]))
  {} 1.5

eval instant at 10m histogram_quantile(0.5, n)
  {} 1

eval instant at 10m histogram_count(increase(n[5m]))
  {} 20

eval instant at 10m n / 11
  {} {{count:4 sum:6 buckets:[2 2]}}

eval instant at 10m histogram_fraction(0, 1, n)
  {} 0.5

eval instant at 10m n </ 1
  n {{count:22 sum:15.556349186104045 buckets:[22]}}
`,
};

describe("evaluation", () => {
  it.each(Object.entries(SCRIPTS))("%s", async (name, text) => {
    const { failures, passed } = await runPromqltest([{ name, text }]);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(3);
  });
});

function storageWith(series: number, samples: number): MemoryStorage {
  const storage = new MemoryStorage();
  for (let s = 0; s < series; s++) {
    const labels = Labels.from({ __name__: "m", s: String(s) });
    for (let i = 0; i < samples; i++) storage.append(labels, { t: i * 1000, value: i });
  }
  return storage;
}

describe("Engine", () => {
  it("refuses series that a range function makes the same, even where they do not overlap", async () => {
    const storage = new MemoryStorage();
    for (const [name, start] of [
      ["early", 0],
      ["late", 600_000],
    ] as const) {
      const labels = Labels.from({ __name__: name, pod: "x" });
      for (let i = 0; i < 4; i++) storage.append(labels, { t: start + i * 15_000, value: i });
    }
    const range = (query: string) => new Engine().range(storage, query, 45_000, 645_000, 600_000);
    await expect(range('rate({__name__=~"early|late"}[1m])')).rejects.toThrow(
      "vector cannot contain metrics with the same labelset",
    );
    expect((await range('-{__name__=~"early|late"}')).value).toMatchObject({
      series: [{ values: Float64Array.of(-3, -3) }],
    });
  });

  it("drops the name at once unless told to wait", async () => {
    const storage = storageWith(1, 2);
    const query = 'label_replace(m * 1, "n", "$1", "__name__", "(.*)")';
    const now = await new Engine().instant(storage, query, 1000);
    const late = await new Engine({ delayedNameRemoval: true }).instant(storage, query, 1000);
    expect(now.value).toMatchObject({ samples: [{ labels: Labels.from({ s: "0" }) }] });
    expect(late.value).toMatchObject({ samples: [{ labels: Labels.from({ s: "0", n: "m" }) }] });
  });

  it("refuses to hold more samples than allowed, and says what to change", async () => {
    const engine = new Engine({ maxSamples: 50 });
    await expect(engine.range(storageWith(10, 10), "m", 0, 9000, 1000)).rejects.toMatchObject({
      kind: "execution",
      message: "query processing would load too many samples into memory in query execution",
      fix: expect.stringContaining("--query.max-samples"),
    });
    // A sum holds one row at a time.
    await expect(engine.range(storageWith(10, 10), "sum(m)", 0, 9000, 1000)).resolves.toBeDefined();
  });

  it("refuses a grid that no memory would hold", async () => {
    const engine = new Engine();
    await expect(engine.range(storageWith(1, 1), "vector(1)", 0, 1e12, 1)).rejects.toThrow("too many samples");
    await expect(engine.instant(storageWith(1, 1), "max_over_time(m[100y:1ms])", 0)).rejects.toThrow(
      "too many samples",
    );
    await expect(engine.range(storageWith(1, 1), "m", 0, 1, 0)).rejects.toMatchObject({ kind: "bad_data" });
  });

  it("gives back what it held", async () => {
    const engine = new Engine({ maxQueryBytes: 30_000, maxTotalBytes: 40_000 });
    const storage = storageWith(10, 10);
    const query = "sum by (s) (m + m) or topk(2, m) or label_replace(m, 'x', 'y', 's', '.*')";
    for (let i = 0; i < 20; i++) await engine.range(storage, query, 5000, 9000, 1000);
    await expect(engine.range(storageWith(100, 1), "m", 0, 9000, 1000)).rejects.toThrow();
    expect(engine.heldBytes).toBe(0);
    await engine.range(storage, query, 5000, 9000, 1000);
    expect(engine.heldBytes).toBe(0);
  });

  it("evaluates and prints the deepest expression that is parsed", async () => {
    const query = `${"abs(".repeat(998)}m${")".repeat(998)}`;
    const { value } = await new Engine().range(storageWith(1, 3), query, 0, 2000, 1000);
    expect(value).toMatchObject({ series: [{ values: Float64Array.of(0, 1, 2) }] });
    expect(prettify(parseExpr(`m${" + 1".repeat(998)}`))).toContain("m");
  });

  it("stops when the time is up", async () => {
    const engine = new Engine({ timeoutMs: 0 });
    await expect(engine.instant(storageWith(1, 1), "m", 0)).rejects.toMatchObject({ kind: "timeout" });
  });

  it("stops when it is canceled, also in the middle of the work", async () => {
    const storage = storageWith(1, 1);
    const [stored] = await storage.querier().select([]);
    const slow: Queryable = {
      querier: () => ({
        ...storage.querier(),
        select: () =>
          new Array(200).fill({
            ...stored,
            labels: stored.labels,
            read: () => {
              const until = performance.now() + 5;
              while (performance.now() < until);
            },
          }),
        [Symbol.dispose]: () => undefined,
      }),
    };
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 40);
    const began = performance.now();
    await expect(new Engine().instant(slow, "m", 0, {}, controller.signal)).rejects.toMatchObject({
      kind: "canceled",
      message: "query was canceled in expression evaluation",
    });
    expect(performance.now() - began).toBeLessThan(900);
  });

  it("does not wait longer than allowed for a storage, and names its errors", async () => {
    const storage = storageWith(1, 1);
    const broken = (select: () => Promise<never>): Queryable => ({
      querier: () => ({ ...storage.querier(), select, [Symbol.dispose]: () => undefined }),
    });
    const hanging = broken(() => new Promise(() => undefined));
    // Timers count whole milliseconds and may fire a fraction before the time is up: none of these may hang.
    for (let i = 0; i < 200; i++) {
      const timeoutMs = 1 + (i % 40) / 40;
      await expect(new Engine({ timeoutMs }).instant(hanging, "m", 0)).rejects.toMatchObject({ kind: "timeout" });
    }
    const controller = new AbortController();
    const query = new Engine().instant(hanging, "m", 0, {}, controller.signal);
    controller.abort();
    await expect(query).rejects.toMatchObject({ kind: "canceled" });
    const failing = broken(() => Promise.reject(new Error("disk on fire")));
    await expect(new Engine().instant(failing, "m", 0)).rejects.toMatchObject({
      kind: "execution",
      message: "expanding series: disk on fire",
    });
  });

  it("selects once for equal selectors, with the union of their times", async () => {
    const storage = storageWith(1, 10);
    const selects: { matchers: readonly Matcher[]; start: number; end: number }[] = [];
    const spy: Queryable = {
      querier: () => {
        const querier = storage.querier();
        return {
          ...querier,
          // Answers later, as a remote storage does.
          select: async (matchers, hints) => {
            selects.push({ matchers, start: hints!.start, end: hints!.end });
            return querier.select(matchers);
          },
          [Symbol.dispose]: () => undefined,
        };
      },
    };
    const { value } = await new Engine().instant(spy, "m / m offset 5s", 9000);
    expect(value).toMatchObject({ samples: [{ v: 9 / 4 }] });
    expect(selects).toHaveLength(1);
    expect(selects[0]).toMatchObject({ start: 9000 - 5000 - 300_000 + 1, end: 9000 });
  });

  it("answers scalars, strings and ranges", async () => {
    const storage = storageWith(1, 5);
    const engine = new Engine();
    expect((await engine.instant(storage, "1 + 1", 7)).value).toEqual({ type: "scalar", t: 7, v: 2 });
    expect((await engine.instant(storage, '("x")', 7)).value).toEqual({ type: "string", t: 7, s: "x" });
    expect((await engine.instant(storage, "m[2s]", 4000)).value).toMatchObject({
      type: "matrix",
      series: [{ timestamps: Float64Array.of(3000, 4000), values: Float64Array.of(3, 4) }],
    });
    await expect(engine.range(storage, "m[2s]", 0, 1, 1)).rejects.toThrow(QueryError);
  });

  it("counts what it looked at", async () => {
    const { stats } = await new Engine().range(storageWith(2, 10), "sum_over_time(m[3s])", 3000, 5000, 1000);
    expect(stats.totalSamples).toBe(18);
    expect([...stats.perStep.samples]).toEqual([6, 6, 6]);
    expect(stats.samplesRead).toBe(10);
    expect(stats.peakSamples).toBeGreaterThan(0);
  });
});

it("hashes as xxHash64 does", () => {
  const hash = (text: string) => xxHash64(new TextEncoder().encode(text)).toString(16);
  expect(hash("")).toBe("ef46db3751d8e999");
  expect(hash("a")).toBe("d24ec4f1a98c6e5b");
  expect(hash("abc")).toBe("44bc2cf5ad770999");
  expect(hash("Nobody inspects the spammish repetition")).toBe("fbcea83c8a378bf1");
});

it("sorts naturally", () => {
  expect(["n10", "n2", "n02", "n1a", "n"].sort(natural)).toEqual(["n", "n1a", "n2", "n02", "n10"]);
});
