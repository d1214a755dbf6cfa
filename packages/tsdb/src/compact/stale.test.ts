import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, openDb } from "../db.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const all = new Matcher("=~", "__name__", ".+");
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-stale-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(db: Db, name: string, time: number, value: number | "stale"): void {
  const appender = db.appender();
  const ref = appender.series(Labels.from({ __name__: name }));
  if (value === "stale") appender.appendStale(ref, time);
  else appender.append(ref, time, value);
  appender.commit();
}

async function read(db: Db): Promise<Record<string, string>> {
  using querier = db.querier(0, 1e15);
  const out: Record<string, string> = {};
  const buffer = new SampleBuffer();
  for (const series of await querier.select([all])) {
    buffer.clear();
    series.read(0, 1e15, buffer);
    out[series.labels.metricName] = Array.from(
      { length: buffer.length },
      (_, i) => `${buffer.timestamps[i] / MINUTE}:${buffer.isStale(i) ? "stale" : buffer.values[i]}`,
    ).join(" ");
  }
  return out;
}

for (const threads of [false, true]) {
  test(`series that ended leave memory for blocks and are not brought back by the log (threads: ${threads})`, async () => {
    let expected: Record<string, string>;
    {
      await using db = await openDb({ dir, threads, outOfOrderTimeWindowMs: HOUR });
      for (let minute = 100; minute <= 140; minute++) {
        put(db, "lives", minute * MINUTE, minute);
        if (minute <= 130) put(db, "ended", minute * MINUTE, minute === 130 ? "stale" : minute);
        if (minute <= 130) put(db, "came_back", minute * MINUTE, minute === 110 ? "stale" : minute);
        if (minute <= 120) put(db, "late", minute * MINUTE, minute === 120 ? "stale" : minute);
      }
      put(db, "late", 119.5 * MINUTE, 1);
      expected = await read(db);
      await db.compactStale();
      // One block for each two hours: it ended behind the first.
      expect(db.blocks().map(({ stats, compaction }) => [stats.numSeries, compaction.hints])).toEqual([
        [1, ["from-stale-series"]],
        [1, ["from-stale-series"]],
      ]);
      expect(db.headStats().numSeries).toBe(3);
      expect(await read(db)).toEqual(expected);
    }
    await using db = await openDb({ dir, threads, outOfOrderTimeWindowMs: HOUR });
    expect(db.headStats().numSeries).toBe(3);
    expect(await read(db)).toEqual(expected);
    // Under its old labels it is a new series.
    put(db, "ended", 141 * MINUTE, 7);
    expect((await read(db)).ended).toBe(`${expected.ended} 141:7`);
    for (let minute = 142; minute <= 320; minute++) put(db, "lives", minute * MINUTE, minute);
    await db.compact();
    expect((await read(db)).ended).toBe(`${expected.ended} 141:7`);
    expect((await read(db)).late).toBe(expected.late);
    await db.compactStale();
    expect((await read(db)).came_back).toBe(expected.came_back);
  });
}

test("a series that gets a sample while its block is written stays", async () => {
  await using db = await openDb({ dir });
  for (let minute = 1; minute <= 10; minute++) put(db, "a", minute * MINUTE, minute === 10 ? "stale" : minute);
  const done = db.compactStale();
  put(db, "a", 11 * MINUTE, 11);
  await done;
  expect(db.headStats().numSeries).toBe(1);
  expect((await read(db)).a).toMatch(/^1:1 .*10:stale 11:11$/);
});
