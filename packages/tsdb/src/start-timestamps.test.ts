import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FloatHistogram, type IntHistogram, Labels, Matcher, SampleBuffer } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, type DbOptions, openDb } from "./db.ts";

const HOUR = 3600_000;
let dir: string;
const open = (options: Partial<DbOptions>): Promise<Db> => openDb({ dir, ...options });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-starts-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const counter = Labels.from({ __name__: "c_total" });
const histogram = Labels.from({ __name__: "h" });
const all = new Matcher("=~", "__name__", ".+");

function histogramOf(count: number): IntHistogram {
  return {
    kind: "int",
    counterResetHint: "unknown",
    schema: 1,
    zeroThreshold: 0.5,
    zeroCount: 0,
    count,
    sum: count,
    positiveSpans: [{ offset: 0, length: 1 }],
    negativeSpans: [],
    positiveDeltas: [count],
    negativeDeltas: [],
    customValues: [],
  };
}

function put(db: Db, labels: Labels, time: number, value: number | IntHistogram | FloatHistogram, start: number): void {
  const appender = db.appender();
  const ref = appender.series(labels);
  appender.appendStartTimestamp(ref, time, start);
  if (typeof value === "number") appender.append(ref, time, value);
  else appender.appendHistogram(ref, time, value);
  appender.commit();
}

/** `time:value/start`, by series. */
async function read(db: Db): Promise<Record<string, string[]>> {
  using querier = db.querier(-1e15, 1e15);
  const out: Record<string, string[]> = {};
  const buffer = new SampleBuffer();
  for (const series of await querier.select([all])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    out[series.labels.metricName] = Array.from({ length: buffer.length }, (_, i) => {
      const value = buffer.histograms?.[i]?.count ?? buffer.values[i];
      return `${buffer.timestamps[i]}:${value}/${buffer.startTimestamps?.[i] ?? 0}`;
    });
  }
  return out;
}

const STORE = { storeStartTimestamps: true, floatEncoding: "xor2", histogramStartEncoding: true } as const;

test("they are kept in memory, in the log, in late samples, and in blocks", async () => {
  let expected: Record<string, string[]>;
  {
    await using db = await open({ ...STORE, outOfOrderTimeWindowMs: 2 * HOUR });
    for (let i = 1; i <= 40; i++) {
      // A restart in the middle, and one sample that does not say when it began.
      const start = i === 7 ? 0 : i < 20 ? 500 : 19_500;
      put(db, counter, i * 1000, i % 20, start);
      put(db, histogram, i * 1000, histogramOf((i % 20) + 1), start);
    }
    put(db, counter, 10_500, 9.5, 501);
    put(db, histogram, 10_500, histogramOf(11), 502);
    expected = await read(db);
    expect(expected.c_total.slice(5, 12)).toEqual([
      "6000:6/500",
      "7000:7/0",
      "8000:8/500",
      "9000:9/500",
      "10000:10/500",
      "10500:9.5/501",
      "11000:11/500",
    ]);
    expect(expected.c_total.at(-1)).toBe("40000:0/19500");
    expect(expected.h[10]).toBe("10500:11/502");
    expect(expected.h.at(-1)).toBe("40000:1/19500");
  }
  {
    await using db = await open({ ...STORE, outOfOrderTimeWindowMs: 2 * HOUR });
    expect(await read(db)).toEqual(expected);
    for (const at of [2 * HOUR, 4 * HOUR]) {
      put(db, counter, at, 1, at - 5);
      put(db, histogram, at, histogramOf(1), at - 5);
    }
    await db.compact();
    expect(db.blocks().length).toBeGreaterThan(0);
    const { c_total, h } = await read(db);
    expect(c_total.slice(0, -2)).toEqual(expected.c_total);
    expect(h.slice(0, -2)).toEqual(expected.h);
    expect(c_total.at(-1)).toBe(`${4 * HOUR}:1/${4 * HOUR - 5}`);
  }
});

test("without the feature they are passed over", async () => {
  await using db = await open({});
  put(db, counter, 1000, 1, 500);
  expect(await read(db)).toEqual({ c_total: ["1000:1/0"] });
});

test("histograms keep theirs only in the encoding that has them", async () => {
  await using db = await open({ ...STORE, histogramStartEncoding: false, outOfOrderTimeWindowMs: HOUR });
  put(db, histogram, 2000, histogramOf(1), 500);
  put(db, histogram, 1000, histogramOf(1), 500);
  expect(await read(db)).toEqual({ h: ["1000:1/0", "2000:1/0"] });
});

test("XOR chunks cannot be asked for together with them", async () => {
  await expect(open({ storeStartTimestamps: true })).rejects.toThrow(/no start timestamps/);
  await using db = await open(STORE);
  expect(() => db.configure({ floatEncoding: "xor" })).toThrow(/no start timestamps/);
  put(db, counter, 1000, 1, 500);
  expect(await read(db)).toEqual({ c_total: ["1000:1/500"] });
});

test("new chunks of floats take the encoding that a reload asks for", async () => {
  await using db = await open({});
  put(db, counter, 1000, 1, 0);
  db.configure({ floatEncoding: "xor2" });
  for (let i = 2; i < 500; i++) put(db, counter, i * 1000, i, 0);
  const { c_total } = await read(db);
  expect(c_total).toHaveLength(499);
  expect(c_total.at(-1)).toBe("499000:499/0");
});

test("a zero is put where a counter began", async () => {
  await using db = await open({ zeroAtStart: true });
  put(db, counter, 10_000, 5, 4_000);
  put(db, counter, 20_000, 6, 4_000);
  // It began anew; and once with a time behind its own sample, which says nothing.
  put(db, counter, 30_000, 1, 25_000);
  put(db, counter, 40_000, 2, 45_000);
  put(db, histogram, 40_000, histogramOf(3), 35_000);
  put(db, histogram, 50_000, histogramOf(4), 35_000);
  expect(await read(db)).toEqual({
    c_total: ["4000:0/0", "10000:5/0", "20000:6/0", "25000:0/0", "30000:1/0", "40000:2/0"],
    h: ["35000:0/0", "40000:3/0", "50000:4/0"],
  });
});

test("no zero is put far behind the newest samples", async () => {
  await using db = await open({ zeroAtStart: true });
  put(db, counter, 10 * HOUR, 5, HOUR);
  put(db, histogram, 10 * HOUR, histogramOf(1), 9 * HOUR + 1);
  expect(await read(db)).toEqual({
    c_total: [`${10 * HOUR}:5/0`],
    h: [`${9 * HOUR + 1}:0/0`, `${10 * HOUR}:1/0`],
  });
});
