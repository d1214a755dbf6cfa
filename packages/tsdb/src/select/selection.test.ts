import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IntHistogram, Labels, Matcher, type Queryable, SampleBuffer, type SeriesList } from "@pharos/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Db, openDb } from "../db.ts";
import { SharedReader } from "../threads/reader.ts";

const MINUTE = 60_000;
const everything = new Matcher("=~", "__name__", ".+");

const histogram = (i: number): IntHistogram => ({
  kind: "int", counterResetHint: "unknown", schema: 1, zeroThreshold: 0.001, zeroCount: i, count: 3 * i, sum: i,
  positiveSpans: [{ offset: 0, length: 2 }], negativeSpans: [], positiveDeltas: [i, 0], negativeDeltas: [], customValues: [],
}); // biome-ignore format: fields

let dir: string;
let db: Db;
let reader: SharedReader;

/** Names of labels differ, some series only have some time of theirs, one is of histograms; blocks and head overlap in none. */
function labelsOf(i: number): Labels {
  const entries: [string, string][] = [["__name__", `metric_${i % 3}`], ["number", String(i)]]; // biome-ignore format: one row
  if (i % 2 === 0) entries.push(["a_first", `v${i % 5}`]);
  if (i % 7 === 0) entries.push(["Z", "ünï"]);
  return Labels.fromEntries(entries);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-selection-"));
  db = await openDb({ dir, outOfOrderTimeWindowMs: 60 * MINUTE });
  for (let step = 0; step < 5 * 60; step++) {
    const appender = db.appender();
    const time = step * MINUTE;
    for (let i = 0; i < 60; i++) {
      // Some end early, some begin late, some pause.
      if ((i % 5 === 1 && step > 100) || (i % 5 === 2 && step < 250) || (i % 4 === 3 && step % 50 > 30)) continue;
      const ref = appender.series(labelsOf(i));
      if (i === 42) appender.appendHistogram(ref, time, histogram(step));
      else if (i % 11 === 0 && step % 40 === 39) appender.appendStale(ref, time);
      else appender.append(ref, time, step + i);
    }
    if (step % 60 === 59) appender.append(appender.series(labelsOf(20)), time - 20 * MINUTE - 1, -step);
    appender.commit();
    if (step === 200) await db.compact();
  }
  await db.compact();
  await db.deleteSeries([[new Matcher("=", "number", "12")]], 250 * MINUTE, 280 * MINUTE);
  expect(db.blocks().length).toBeGreaterThan(0);
  reader = new SharedReader(db.share());
});

afterAll(async () => {
  reader[Symbol.dispose]();
  await db.close();
  rmSync(dir, { recursive: true });
});

/** Whether the columns tell what the label sets tell. */
function checkColumns(list: SeriesList): void {
  const columns = list.labelColumns!;
  const names = new Set(list.flatMap(({ labels }) => [...labels].map(([name]) => name)));
  expect(new Set(columns.names())).toEqual(names);
  expect(columns.names()).toEqual([...columns.names()].sort());
  for (const name of [...names, "nobody"]) {
    const { numbers, values } = columns.column(name);
    expect(Array.from(numbers, (number) => values[number])).toEqual(list.map(({ labels }) => labels.get(name)));
    expect(new Set(values).size).toBe(values.length);
    expect(values[0]).toBe("");
  }
}

describe.each([
  ["this thread", (): Queryable => db],
  ["another thread's reader", (): Queryable => reader],
])("selections of %s", (_, storage) => {
  test.each([
    ["all", [everything], 0, 300 * MINUTE],
    ["blocks only", [everything], 0, 100 * MINUTE],
    ["head only", [everything], 290 * MINUTE, 300 * MINUTE],
    ["one metric", [new Matcher("=", "__name__", "metric_1")], 0, 300 * MINUTE],
    ["a label that not all have", [new Matcher("!=", "a_first", "")], 0, 300 * MINUTE],
    ["nothing", [new Matcher("=", "__name__", "other")], 0, 300 * MINUTE],
  ])("%s: in order, with columns", async (_name, matchers, mint, maxt) => {
    using querier = storage().querier(mint, maxt);
    const list = await querier.select(matchers);
    if (list.length > 0) checkColumns(list);
    for (let i = 1; i < list.length; i++) expect(list[i - 1].labels.compare(list[i].labels)).toBeLessThan(0);
    const limited = await querier.select(matchers, { start: mint, end: maxt, limit: 3 });
    expect(limited.map(({ labels }) => labels.key())).toEqual(list.slice(0, 3).map(({ labels }) => labels.key()));
    if (limited.length > 0) checkColumns(limited);
    const known = await querier.labelValues("number", matchers);
    expect(known).toEqual(list.map(({ labels }) => labels.get("number")).sort());
    expect(await querier.labelNames(matchers)).toEqual(list.labelColumns?.names() ?? []);
  });

  test("the newest sample of a range is the last of all", async () => {
    using querier = storage().querier(0, 300 * MINUTE);
    const list = await querier.select([everything]);
    expect(list).toHaveLength(60);
    const [whole, newest] = [new SampleBuffer(), new SampleBuffer()];
    for (const series of list) {
      for (let maxt = 0; maxt < 310 * MINUTE; maxt += 7 * MINUTE + 500) {
        for (const range of [MINUTE, 25 * MINUTE, 200 * MINUTE]) {
          whole.clear();
          newest.clear();
          newest.push(1, 1);
          series.read(maxt - range, maxt, whole);
          series.readNewest!(maxt - range, maxt, newest);
          expect(newest.length).toBe(whole.length === 0 ? 1 : 2);
          if (whole.length === 0) continue;
          const last = whole.length - 1;
          expect(newest.timestamps[1]).toBe(whole.timestamps[last]);
          expect(newest.isStale(1)).toBe(whole.isStale(last));
          expect(newest.values[1]).toEqual(whole.values[last]);
          expect(newest.histograms?.[1]?.sum).toBe(whole.histograms?.[last]?.sum);
        }
      }
    }
  });
});

test("a series that came after others were ordered has its place among them", async () => {
  using first = db.querier(0, 1e15);
  await first.select([everything]);
  const appender = db.appender();
  for (let i = 0; i < 40; i++) {
    const labels = Labels.from({ __name__: "metric_1", number: `${i % 2}new${i}`, zz: `new${i % 3}` });
    appender.append(appender.series(labels), 300 * MINUTE, 1);
  }
  appender.commit();
  using querier = db.querier(0, 1e15);
  const list = await querier.select([everything]);
  expect(list).toHaveLength(100);
  for (let i = 1; i < list.length; i++) expect(list[i - 1].labels.compare(list[i].labels)).toBeLessThan(0);
});
