import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AppendResult,
  type FloatHistogram,
  type HistogramBase,
  type IntHistogram,
  Labels,
  Matcher,
  SampleBuffer,
} from "@pharos/model";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Db, openDb } from "./db.ts";

let dir: string;
let db: Db;
const open = async (options: object = {}): Promise<Db> => openDb({ dir, ...options });
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-tsdb-"));
  db = await open();
});
afterEach(async () => {
  await db.close();
  rmSync(dir, { recursive: true });
});

const up = (instance: string): Labels => Labels.from({ __name__: "up", instance });

function write(samples: readonly (readonly [Labels, number, number | "stale"])[]): number[] {
  const appender = db.appender();
  const results = samples.map(([labels, t, v]) => {
    const ref = appender.series(labels);
    return v === "stale" ? appender.appendStale(ref, t) : appender.append(ref, t, v);
  });
  appender.commit();
  return results;
}

async function read(...matchers: Matcher[]): Promise<Record<string, string[]>> {
  using querier = db.querier(-1e15, 1e15);
  const out: Record<string, string[]> = {};
  const buffer = new SampleBuffer();
  for (const series of await querier.select(matchers)) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    out[String(series.labels)] = Array.from(
      { length: buffer.length },
      (_, i) => `${buffer.timestamps[i]}:${buffer.isStale(i) ? "stale" : buffer.values[i]}`,
    );
  }
  return out;
}

const all = new Matcher("=~", "__name__", ".+");

describe("transactions", () => {
  test("late samples that cannot be logged are refused, with everything of their transaction", async () => {
    await db.close();
    db = await open({ outOfOrderTimeWindowMs: 3600_000 });
    write([[up("a"), 100_000, 1]]);
    // The log of late samples cannot be begun where a file is in its place.
    writeFileSync(join(dir, "wbl"), "");
    expect(() =>
      write([
        [up("a"), 50_000, 2],
        [up("a"), 110_000, 3],
      ]),
    ).toThrow("log of late samples");
    const before = { '{__name__="up", instance="a"}': ["100000:1"] };
    expect(await read(all)).toEqual(before);
    rmSync(join(dir, "wbl"));
    await db.close();
    db = await open({ outOfOrderTimeWindowMs: 3600_000 });
    expect(await read(all)).toEqual(before);
    // More late ones than fit into a chunk, in one transaction, and one twice.
    const late = Array.from({ length: 100 }, (_, i): readonly [Labels, number, number] => [up("a"), 60_000 - i, i]);
    write([...late, late[3], [up("a"), 120_000, 4]]);
    const after = {
      '{__name__="up", instance="a"}': [...late.map(([, t, v]) => `${t}:${v}`).reverse(), "100000:1", "120000:4"],
    };
    expect(await read(all)).toEqual(after);
    await db.close();
    db = await open({ outOfOrderTimeWindowMs: 3600_000 });
    expect(await read(all)).toEqual(after);
  });

  test("what is committed is read, sorted by labels; what is rolled back never was", async () => {
    write([
      [up("b"), 1000, 1],
      [up("a"), 1000, Number.NaN],
      [up("a"), 2000, "stale"],
    ]);
    const appender = db.appender();
    appender.append(appender.series(up("c")), 1000, 1);
    expect(Object.keys(await read(all))).toHaveLength(2);
    appender.rollback();
    expect(await read(all)).toEqual({
      '{__name__="up", instance="a"}': ["1000:NaN", "2000:stale"],
      '{__name__="up", instance="b"}': ["1000:1"],
    });
    expect(db.headStats().numSeries).toBe(2);
  });

  test("order, duplicates and unknown series are told apart", () => {
    write([[up("a"), 2000, 1]]);
    expect(write([[up("a"), 1000, 1], [up("a"), 2000, 1], [up("a"), 2000, 2], [up("a"), 3000, 3], [up("a"), 2500, 3], [up("a"), 3000, 4]])).toEqual([
      AppendResult.outOfOrder, AppendResult.ok, AppendResult.duplicate, AppendResult.ok, AppendResult.outOfOrder, AppendResult.duplicate,
    ]); // biome-ignore format: a list
    const appender = db.appender();
    expect(appender.append(999, 1, 1)).toBe(AppendResult.unknownSeries);
    appender.rollback();
  });

  test("towards the memory budget new series are refused, who grew most first, and known ones go on", async () => {
    write([[up("a"), 1, 1]]);
    const { usedBytes } = db.status(10).memory;
    await db.close();
    db = await open({ memoryBudgetBytes: usedBytes + 2_000_000 });
    const take = (source: string, count: number): number => {
      const appender = db.appender(source);
      let taken = 0;
      for (let i = 0; i < count; i++) if (appender.series(up(`${source}${i}`)) !== 0) taken++;
      appender.commit();
      return taken;
    };
    expect(take("calm", 20)).toBe(20);
    const exploded = take("wild", 20_000);
    expect(exploded).toBeGreaterThan(500);
    expect(exploded).toBeLessThan(19_000);
    expect(take("calm2", 20)).toBe(20);
    expect(write([[up("a"), 2, 1]])).toEqual([AppendResult.ok]);
    const { memory } = db.status(10);
    expect(memory.usedBytes).toBeLessThan(memory.budgetBytes);
    expect(memory.refusedSeries).toBe(20_000 - exploded);
    expect(memory.sources.map(({ name, refused }) => [name, refused > 0])).toEqual([
      ["wild", true],
      ["calm", false],
      ["calm2", false],
    ]);
    // Over a restart as well: what is in the log and has no room is left out.
    await db.close();
    db = await open({ memoryBudgetBytes: usedBytes + 400_000 });
    expect(db.headStats().numSeries).toBeLessThan(exploded);
    expect(db.headStats().numSeries).toBeGreaterThan(10);
  });
});

describe("selection", () => {
  beforeEach(() => {
    write(
      ["a", "b", "c"].flatMap((zone) =>
        ["1", ""].map((disk) => [Labels.from({ __name__: "m", zone, disk }), 1000, 1] as const),
      ),
    );
  });

  test.each([
    [[new Matcher("=", "zone", "a")], 2],
    [[new Matcher("=", "zone", "a"), new Matcher("=", "disk", "")], 1],
    [[new Matcher("!=", "zone", "a")], 4],
    [[new Matcher("=~", "zone", "a|b")], 4],
    [[new Matcher("=~", "zone", "[ab]"), new Matcher("!=", "disk", "")], 2],
    [[new Matcher("!~", "zone", "a|b")], 2],
    [[new Matcher("=~", "disk", ".*")], 6],
    [[new Matcher("=", "nothing", "")], 6],
    [[new Matcher("=", "nothing", "x")], 0],
  ])("%s selects %d", async (matchers, count) => {
    expect(Object.keys(await read(...matchers))).toHaveLength(count);
  });

  test("label names and values, with matchers and limits; time range", async () => {
    using querier = db.querier(0, 2000);
    expect(querier.labelNames([])).toEqual(["__name__", "disk", "zone"]);
    expect(querier.labelNames([new Matcher("=", "disk", "")])).toEqual(["__name__", "zone"]);
    expect(querier.labelValues("zone", [new Matcher("!=", "zone", "b")])).toEqual(["a", "c"]);
    expect(querier.labelValues("zone", [], 1)).toEqual(["a"]);
    using before = db.querier(-1e15, -1e14);
    expect(before.labelNames([])).toEqual([]);
    expect(before.labelValues("zone", [])).toEqual([]);
    using later = db.querier(5000, 6000);
    expect(await later.select([all])).toEqual([]);
  });

  test("cardinality", () => {
    const { headStats, seriesCountByMetricName, labelValueCountByLabelName } = db.status(10);
    expect(headStats).toMatchObject({ numSeries: 6, numLabelPairs: 5, minTime: 1000, maxTime: 1000 });
    expect(seriesCountByMetricName).toEqual([{ name: "m", value: 6 }]);
    expect(labelValueCountByLabelName[0]).toEqual({ name: "zone", value: 3 });
  });
});

describe("the log", () => {
  const lastSegment = (): string => {
    const names = readdirSync(join(dir, "wal")).filter(
      (name) => /^\d+$/.test(name) && statSync(join(dir, "wal", name)).size > 0,
    );
    return join(dir, "wal", names.sort().at(-1)!);
  };

  test("everything is there after a restart: samples over many chunks, markers, metadata, exemplars", async () => {
    for (let i = 0; i < 500; i++)
      write([
        [up("a"), i * 15_000, i],
        [up("b"), i * 15_000, i === 499 ? "stale" : Math.sin(i)],
      ]);
    const appender = db.appender();
    const ref = appender.series(up("a"));
    appender.updateMetadata(ref, { type: "gauge", help: "H", unit: "" });
    appender.appendExemplar(ref, { labels: Labels.from({ id: "x" }), value: 1, timestamp: 7 });
    appender.commit();
    const before = await read(all);
    await db.close();
    db = await open({ walCompression: false });
    expect(await read(all)).toEqual(before);
    expect(db.metadata("up").get("up")).toEqual([{ type: "gauge", help: "H", unit: "" }]);
    expect(db.exemplars([[all]], 0, 10)[0].exemplars[0].labels.get("id")).toBe("x");
    write([[up("a"), 500 * 15_000, 1]]);
    await db.close();
    db = await open();
    expect((await read(all))['{__name__="up", instance="a"}']).toHaveLength(501);
  });

  test("a record larger than a page and one larger than many come back", async () => {
    const long = "x".repeat(200_000);
    write([
      [Labels.from({ __name__: "long", long }), 1, 1],
      ...Array.from({ length: 5000 }, (_, i) => [up(String(i)), 1, i] as const),
    ]);
    await db.close();
    db = await open();
    expect(Object.keys(await read(all))).toHaveLength(5001);
  });

  test.each(["none", "snappy", "zstd"] as const)("packed with %s it comes back", async (walCompression) => {
    await db.close();
    db = await open({ walCompression });
    write(Array.from({ length: 2000 }, (_, i) => [up(String(i)), 1, i] as const));
    await db.close();
    db = await open();
    expect(Object.keys(await read(all))).toHaveLength(2000);
  });

  test("native histograms, custom buckets and their markers come back", async () => {
    const base = { counterResetHint: "unknown", schema: 0, zeroThreshold: 0.5, zeroCount: 1, count: 3, sum: 4, positiveSpans: [{ offset: 0, length: 1 }], negativeSpans: [], customValues: [] } as const; // biome-ignore format: one value
    const int: IntHistogram = { ...structuredClone(base) as unknown as HistogramBase, kind: "int", positiveDeltas: [2], negativeDeltas: [] }; // biome-ignore format: one value
    const custom: FloatHistogram = { ...int, kind: "float", schema: -53, customValues: [0.1, 5], positiveBuckets: [2.5], negativeBuckets: [] }; // biome-ignore format: one value
    const appender = db.appender();
    const ref = appender.series(up("h"));
    expect(appender.appendHistogram(ref, 1000, int)).toBe(AppendResult.ok);
    expect(appender.appendHistogram(ref, 1000, int)).toBe(AppendResult.ok);
    expect(appender.appendHistogram(ref, 1000, { ...int, count: 9 })).toBe(AppendResult.duplicate);
    expect(appender.appendHistogram(ref, 2000, custom)).toBe(AppendResult.ok);
    expect(appender.appendHistogram(ref, 3000, { ...int, stale: true })).toBe(AppendResult.ok);
    appender.commit();
    const histograms = async (): Promise<unknown[]> => {
      using querier = db.querier(0, 5000);
      const buffer = new SampleBuffer();
      for (const series of await querier.select([all])) series.read(0, 5000, buffer);
      return [...(buffer.histograms ?? [])];
    };
    const before = await histograms();
    expect(before).toMatchObject([
      { count: 3, positiveBuckets: [2] },
      { schema: -53, customValues: [0.1, 5], positiveBuckets: [2.5] },
      { stale: true },
    ]);
    await db.close();
    db = await open();
    expect(await histograms()).toEqual(before);
  });

  test("a torn tail is cut and everything before it kept; writing goes on", async () => {
    write([[up("a"), 1000, 1]]);
    write([[up("a"), 2000, 2]]);
    await db.close();
    const segment = lastSegment();
    truncateSync(segment, statSync(segment).size - 3);
    db = await open();
    expect(await read(all)).toEqual({ '{__name__="up", instance="a"}': ["1000:1"] });
    write([[up("a"), 3000, 3]]);
    await db.close();
    appendFileSync(lastSegment(), Buffer.from([1, 0, 200, 1, 2, 3, 4, 5]));
    db = await open();
    expect(await read(all)).toEqual({ '{__name__="up", instance="a"}': ["1000:1", "3000:3"] });
  });

  test("deletion survives a restart", async () => {
    write([[up("a"), 1000, 1]]);
    write([[up("a"), 2000, 2]]);
    await db.deleteSeries([[all]], 0, 1500);
    await db.close();
    db = await open();
    expect(await read(all)).toEqual({ '{__name__="up", instance="a"}': ["2000:2"] });
  });

  test("retention drops old samples and series; a checkpoint drops them from the log", async () => {
    for (let i = 0; i < 300; i++) write([[up("old"), i * 60_000, i]]);
    for (let i = 0; i < 300; i++) write([[up("new"), 1e9 + i * 60_000, i]]);
    await db.close();
    db = await open({ retentionMs: 3_600_000 * 6, now: () => 1e9 + 300 * 60_000 });
    expect(Object.keys(await read(all))).toEqual(['{__name__="up", instance="new"}']);
  });
});

test("kill -9 in the middle of writing loses nothing that was acknowledged", async () => {
  await db.close();
  for (let round = 0; round < 3; round++) {
    const script = `
      import { openDb } from ${JSON.stringify(join(import.meta.dirname, "db.ts"))};
      import { Labels } from ${JSON.stringify(join(import.meta.dirname, "../../model/src/index.ts"))};
      const db = await openDb({ dir: ${JSON.stringify(dir)} });
      for (let t = Date.now(); ; t++) {
        const appender = db.appender();
        for (let i = 0; i < 50; i++) appender.append(appender.series(Labels.from({ __name__: "m", i: String(i) })), t, t);
        appender.commit();
        process.stdout.write(t + "\\n");
      }`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, 200 + round * 137));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    const acknowledged = output.split("\n").slice(0, -1);
    expect(acknowledged.length).toBeGreaterThan(10);
    db = await open();
    for (const samples of Object.values(await read(all))) {
      const times = new Set(samples.map((sample) => sample.split(":")[0]));
      expect(acknowledged.filter((time) => !times.has(time))).toEqual([]);
    }
    await db.close();
  }
  db = await open();
}, 30_000);
