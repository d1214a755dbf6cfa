import { type FloatHistogram, Labels } from "@pharos/model";
import { afterEach, describe, expect, it } from "vitest";
import { Engine } from "../engine/engine.ts";
import { MemoryStorage } from "../promqltest/memory-storage.ts";
import { QueryPool } from "./pool.ts";
import { portOf, RemoteEngine, serveQueries } from "./port.ts";

const HISTOGRAM: FloatHistogram = {
  kind: "float",
  counterResetHint: "unknown",
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 3,
  sum: 4,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: [1, 2],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
};

function storage(): MemoryStorage {
  const out = new MemoryStorage();
  for (let s = 0; s < 40; s++) {
    for (const name of ["requests_total", "errors_total"]) {
      const labels = Labels.from({ __name__: name, job: `j${s % 3}`, pod: String(s) });
      // Values that no sum in another order has the bits of.
      for (let i = 0; i <= 40; i++) {
        const value = s === 7 && i % 5 === 0 ? Number.NaN : i * 0.1 * (s + 1) + 1 / 3;
        out.append(labels, { t: i * 15_000, value });
      }
    }
  }
  const labels = Labels.from({ __name__: "latency", job: "j0" });
  for (let i = 0; i <= 40; i++) out.append(labels, { t: i * 15_000, value: 0, histogram: { ...HISTOGRAM } });
  return out;
}

const open: { close(): void }[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

function remote(data: MemoryStorage, engine = new Engine()): RemoteEngine {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  serveQueries(portOf(port1), engine, data);
  return new RemoteEngine(portOf(port2));
}

const GRID = { start: 60_000, end: 600_000, step: 30_000, options: {} };

describe("over a port", () => {
  it.each([
    ["1 + 1", 0],
    ['"text"', 0],
    ["requests_total", 0],
    ["latency", 0],
    ["requests_total[1m]", 0],
    ["rate(requests_total[1m])", 30_000],
    ["latency or requests_total", 30_000],
    ["vector(time())", 30_000],
  ])("%s by %d gives the same result", async (query, step) => {
    const data = storage();
    const engine = new Engine();
    const here =
      step === 0
        ? await engine.instant(data, query, GRID.start)
        : await engine.range(data, query, GRID.start, GRID.end, step);
    const there = await remote(data).query({ ...GRID, query, step });
    expect(there.value).toEqual(here.value);
    expect(there.warnings).toEqual(here.warnings);
    expect(there.stats.totalSamples).toBe(here.stats.totalSamples);
  });

  it("errors come back as they are, and a signal ends the query", async () => {
    const worker = remote(storage());
    await expect(worker.query({ ...GRID, query: "requests_total + on (job) errors_total" })).rejects.toMatchObject({
      kind: "execution",
      message: expect.stringContaining("found duplicate series"),
    });
    const controller = new AbortController();
    const answer = worker.query({ ...GRID, query: "sum(requests_total)" }, controller.signal);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ kind: "canceled" });
    expect(worker.busy).toBe(0);
    const lost = worker.query({ ...GRID, query: "sum(requests_total)" });
    worker.fail("the worker ended");
    await expect(lost).rejects.toThrow("the worker ended");
  });
});

describe("on several cores", () => {
  const data = storage();
  const runner = (count: number, seen: string[] = []) => {
    const workers = Array.from({ length: count }, () => remote(data));
    return {
      count,
      run: (request: Parameters<RemoteEngine["shard"]>[0], signal: AbortSignal) => {
        seen.push(`${request.index}/${request.count}`);
        return workers[request.index].shard(request, signal);
      },
    };
  };

  it.each([
    "sum(requests_total)",
    "sum by (job) (rate(requests_total[1m]))",
    "avg without (pod) (-requests_total * 2)",
    "min(requests_total)",
    "max by (job) (max_over_time(requests_total[2m]))",
    'count by (job) ({__name__=~"requests_total|errors_total"} > 2)',
    "group(clamp_min(requests_total, 3)) + sum(errors_total)",
    "topk(2, sum by (pod) (increase(requests_total[2m:15s])))",
    "histogram_quantile(0.5, sum(latency)) + sum by (job) (requests_total)",
    "sum(requests_total @ 60) + sum(requests_total)",
  ])("%s is the same", async (query) => {
    const engine = new Engine();
    const whole = await engine.range(data, query, GRID.start, GRID.end, GRID.step);
    const seen: string[] = [];
    const split = await engine.range(data, query, GRID.start, GRID.end, GRID.step, { shards: runner(3, seen) });
    expect(seen).toContain("2/3");
    expect(split.warnings).toEqual(whole.warnings);
    expect(split.infos).toEqual(whole.infos);
    expect(split.stats.totalSamples).toBe(whole.stats.totalSamples);
    if (split.value.type !== "matrix" || whole.value.type !== "matrix") throw new Error("no matrix");
    expect(split.value.series.map(({ labels }) => labels.toString())).toEqual(
      whole.value.series.map(({ labels }) => labels.toString()),
    );
    for (const [i, { timestamps, values }] of split.value.series.entries()) {
      const other = whole.value.series[i];
      expect(timestamps).toEqual(other.timestamps);
      for (const [k, value] of values.entries()) {
        if (Number.isNaN(other.values[k])) expect(value).toBeNaN();
        else expect(Math.abs(value - other.values[k])).toBeLessThanOrEqual(1e-14 * Math.abs(other.values[k]));
      }
    }
    expect(engine.heldBytes).toBe(0);
  });

  it("what cannot be split stays whole", async () => {
    const seen: string[] = [];
    const shards = runner(2, seen);
    for (const query of [
      "requests_total",
      "quantile(0.5, requests_total)",
      "sum(requests_total + on (pod) errors_total)",
      "sum(label_replace(requests_total, 'pod', 'x', '', ''))",
      "sum(requests_total * scalar(sum(errors_total)))",
      "max_over_time(sum(requests_total)[2m:30s])",
    ]) {
      await new Engine()
        .range(data, query, GRID.start, GRID.end, GRID.step, { shards })
        .catch((error: Error) => expect(error.message).toContain("same labelset"));
    }
    // Only the sum inside the scalar is on the query's grid and by itself.
    expect(seen.every((part) => part.endsWith("/2"))).toBe(true);
    expect(seen.length).toBe(2);
  });

  it("series that become the same without their names are refused as in one", async () => {
    const query = 'sum(rate({__name__=~"requests_total|errors_total"}[1m]))';
    const run = (options = {}) => new Engine().range(data, query, GRID.start, GRID.end, GRID.step, options);
    await expect(run()).rejects.toThrow("same labelset");
    await expect(run({ shards: runner(3) })).rejects.toThrow("same labelset");
  });

  it("a part that fails fails the query", async () => {
    const shards = { count: 2, run: () => Promise.reject(new Error("the worker ended")) };
    const engine = new Engine();
    await expect(engine.range(data, "sum(requests_total)", 0, 1000, 1000, { shards })).rejects.toThrow("worker ended");
    expect(engine.heldBytes).toBe(0);
  });
});

it("a pool keeps what is small here, and sends or splits what is heavy", async () => {
  const data = storage();
  const engine = new Engine();
  const engines = [new Engine(), new Engine()];
  const workers = engines.map((other) => remote(data, other));
  const asked = { query: 0, shard: 0 };
  for (const worker of workers) {
    const { query, shard } = { query: worker.query.bind(worker), shard: worker.shard.bind(worker) };
    worker.query = (...args) => {
      asked.query++;
      return query(...args);
    };
    worker.shard = (...args) => {
      asked.shard++;
      return shard(...args);
    };
  }
  const pool = new QueryPool({ engine, storage: data, workers, shortMs: 0, heavyCost: 2500, splitCost: 5000 });
  const ask = (query: string, step: number) => pool.query({ ...GRID, query, step });
  // A series counts with its steps and a sample each 15 s.
  expect((await ask("sum(requests_total)", 0)).value).toMatchObject({ type: "vector" });
  expect(asked).toEqual({ query: 0, shard: 0 });
  await ask("requests_total * 2", 30_000);
  expect(asked).toEqual({ query: 1, shard: 0 });
  await ask("sum(requests_total)", 5000);
  expect(asked).toEqual({ query: 1, shard: 2 });
});
