import { Labels, type Queryable, type StoredSeries } from "@pharos/model";
import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import { formatBytes } from "./memory.ts";

/** Series of a sample every second from 0 on, made as they are read. */
function storageOf(count: number, samples: number): Queryable {
  const series: StoredSeries[] = Array.from({ length: count }, (_, i) => ({
    labels: Labels.from({ __name__: "m", s: String(i).padStart(7, "0") }),
    read(mint, maxt, out) {
      for (let k = Math.max(0, Math.ceil(mint / 1000)); k < samples && k * 1000 <= maxt; k++) out.push(k * 1000, k + i);
    },
  }));
  return {
    querier: () => ({
      select: () => series,
      labelNames: () => [],
      labelValues: () => [],
      [Symbol.dispose]: () => undefined,
    }),
  };
}

describe("budgets", () => {
  it("a query over its budget is refused with numbers and advice, while fifty others go on", async () => {
    const engine = new Engine({ maxQueryBytes: 2 * 2 ** 20 });
    const large = storageOf(5000, 1000);
    const small = storageOf(20, 1000);
    const others = Array.from({ length: 50 }, (_, i) =>
      engine.range(small, `sum(rate(m[1m])) + ${i}`, 60_000, 900_000, 1000),
    );
    const refused = engine.range(large, "m > 1", 60_000, 900_000, 1000);
    await expect(refused).rejects.toMatchObject({
      kind: "execution",
      message: expect.stringMatching(
        /^query would use 2\.\d MiB of memory, more than the 2\.0 MiB that one query may use$/,
      ),
      fix: expect.stringMatching(/^Narrow m, which selects 5000 series, or fewer than the 841 steps/),
    });
    for (const [i, { value }] of (await Promise.all(others)).entries()) {
      expect(value).toMatchObject({ type: "matrix" });
      if (value.type === "matrix") expect(value.series[0].values[0]).toBeCloseTo(20 + i, 9);
    }
    expect(engine.heldBytes).toBe(0);
  });

  it("all queries together have one as well", async () => {
    const engine = new Engine({ maxQueryBytes: 900_000, maxTotalBytes: 1_000_000 });
    let answer: (series: readonly StoredSeries[]) => void = () => undefined;
    const half = storageOf(2000, 10).querier(0, 0).select([]);
    const waiting: Queryable = {
      querier: () => ({
        select: ([{ value }]) => (value === "m" ? half : new Promise((resolve) => (answer = resolve))),
        labelNames: () => [],
        labelValues: () => [],
        [Symbol.dispose]: () => undefined,
      }),
    };
    const first = engine.instant(waiting, "sum(m) + sum(later)", 5000);
    await expect(engine.instant(storageOf(1000, 10), "sum(m)", 5000)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^all queries together would use 1\.\d MiB of memory, more than the allowed 977 KiB/,
      ),
    });
    answer([]);
    expect((await first).value).toMatchObject({ samples: [] });
    expect((await engine.instant(storageOf(1000, 10), "sum(m)", 5000)).value).toMatchObject({ samples: [{}] });
    expect(engine.heldBytes).toBe(0);
  });

  it("a sum over many series needs little", async () => {
    const engine = new Engine({ maxQueryBytes: 2 ** 20 });
    const { value, stats } = await engine.range(storageOf(1000, 600), "sum(m)", 0, 599_000, 1000);
    expect(value).toMatchObject({ type: "matrix" });
    expect(stats.peakBytes).toBeGreaterThan(0);
    expect(stats.peakBytes).toBeLessThan(2 ** 20);
  });

  it("writes bytes as people read them", () => {
    expect([0, 1023, 1536, 2 ** 20, 150 * 2 ** 20, 2 ** 40].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "1.0 MiB",
      "150 MiB",
      "1.0 TiB",
    ]);
  });
});

describe("running queries", () => {
  // One series of windows that overlap by far: a single row is seconds of work.
  const heavy = storageOf(1, 20_000);
  const run = (engine: Engine, query: string) => engine.range(heavy, query, 10_000_000, 19_999_000, 1000);

  it.each(["sum_over_time(m[10000s])", "stddev_over_time(m[10000s])"])(
    "%s is listed, and canceled at once",
    async (query) => {
      const engine = new Engine();
      const ended = run(engine, query).then(
        () => new Error("went on to the end"),
        (error: Error) => error,
      );
      await new Promise((resolve) => setTimeout(resolve, 60));
      const [running] = engine.running();
      expect(running).toMatchObject({ query, start: 10_000_000, step: 1000 });
      expect(running.samplesRead).toBeGreaterThan(0);
      expect(running.bytes).toBeGreaterThan(0);
      expect(engine.cancel(running.id)).toBe(true);
      const asked = performance.now();
      expect(await ended).toMatchObject({ kind: "canceled" });
      // 50 ms are promised; a busy machine may add to them.
      expect(performance.now() - asked).toBeLessThan(1000);
      expect(engine.running()).toEqual([]);
      expect(engine.cancel(running.id)).toBe(false);
      expect(engine.heldBytes).toBe(0);
    },
  );

  it("one that takes too long is ended, and others get their turns meanwhile", async () => {
    const engine = new Engine();
    const ended = engine.range(heavy, "sum_over_time(m[10000s])", 10_000_000, 19_999_000, 100, { timeoutMs: 100 }).then(
      () => new Error("went on to the end"),
      (error: Error) => error,
    );
    const began = performance.now();
    const quick = engine.instant(storageOf(3, 10), "sum(m)", 5000);
    expect((await quick).value).toMatchObject({ samples: [{ v: 18 }] });
    expect(await ended).toMatchObject({ kind: "timeout" });
    // The whole would take half a minute.
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it("in turns the values are the same", async () => {
    const { value } = await new Engine().range(heavy, "sum_over_time(m[10000s])", 19_000_000, 19_999_000, 3000);
    expect(value).toMatchObject({ type: "matrix" });
    if (value.type !== "matrix") return;
    const [{ timestamps, values }] = value.series;
    expect(timestamps.length).toBe(334);
    for (const [i, t] of timestamps.entries()) {
      const last = t / 1000;
      expect(values[i]).toBe(((last - 9999 + last) * 10_000) / 2);
    }
  });
});
