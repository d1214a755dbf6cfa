import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IntHistogram, Labels, Matcher, type Queryable, SampleBuffer } from "@pharos/model";
import { expect, test } from "vitest";
import { openDb } from "../db.ts";
import { SharedReader } from "./reader.ts";
import { stress } from "./stress.ts";

const HOUR = 3600_000;

async function dump(from: Queryable): Promise<string[]> {
  using querier = from.querier(-1e15, 1e15);
  const lines: string[] = [];
  const buffer = new SampleBuffer();
  for (const series of await querier.select([new Matcher("=~", "__name__", ".+")])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    for (let i = 0; i < buffer.length; i++) {
      lines.push(`${series.labels} ${buffer.timestamps[i]} ${buffer.histograms?.[i]?.sum ?? buffer.values[i]}`);
    }
  }
  return lines;
}

const histogram = (i: number): IntHistogram => ({
  kind: "int", counterResetHint: "unknown", schema: 1, zeroThreshold: 0.001, zeroCount: i, count: 3 * i, sum: i,
  positiveSpans: [{ offset: 0, length: 2 }], negativeSpans: [], positiveDeltas: [i, 0], negativeDeltas: [], customValues: [],
}); // biome-ignore format: fields

test("a reader sees what the owner sees: blocks, head, histograms, late and deleted samples, texts of all kinds", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-shared-"));
  {
    await using db = await openDb({ dir, outOfOrderTimeWindowMs: HOUR });
    using reader = new SharedReader(db.share());
    for (let i = 0; i < 5 * 240; i++) {
      const appender = db.appender();
      const time = i * 15_000;
      for (const zone of ["a", "ünï", "東京"])
        appender.append(appender.series(Labels.from({ __name__: "m", zone })), time, i);
      appender.appendHistogram(appender.series(Labels.from({ __name__: "h" })), time, histogram(i % 100));
      if (i % 50 === 49) appender.append(appender.series(Labels.from({ __name__: "m", zone: "a" })), time - 60_007, -i);
      appender.commit();
    }
    await db.compact();
    await db.deleteSeries([[new Matcher("=", "zone", "東京")]], 4.5 * HOUR, 4.6 * HOUR);
    expect(db.blocks().length).toBeGreaterThan(0);
    const seen = await dump(reader);
    expect(seen).toEqual(await dump(db));
    expect(seen.length).toBeGreaterThan(4_000);
    using querier = reader.querier(0, 1e15);
    expect(await querier.labelNames([])).toEqual(["__name__", "zone"]);
    expect(await querier.labelValues("zone", [new Matcher("=", "__name__", "m")])).toEqual(["a", "ünï", "東京"]);
    // A view stays as it was while the owner goes on.
    const [series] = await querier.select([new Matcher("=", "zone", "ünï")]);
    for (let i = 0; i < 3 * 240; i++) {
      const appender = db.appender();
      appender.append(appender.series(Labels.from({ __name__: "m", zone: "ünï" })), (5 * 240 + i) * 15_000, i);
      appender.commit();
    }
    await db.compact();
    const buffer = new SampleBuffer();
    series.read(-1e15, 1e15, buffer);
    expect(buffer.length).toBe(5 * 240);
  }
  rmSync(dir, { recursive: true });
});

test("two threads read whole transactions while series come and go, chunks close, blocks are cut and merged", async () => {
  const { problems, selections, samples, transactions, blocks } = await stress(4_000, 2, {
    selections: 4,
    transactions: 300,
  });
  expect(problems).toEqual([]);
  expect(selections).toBeGreaterThanOrEqual(4);
  expect(transactions).toBeGreaterThanOrEqual(300);
  expect(samples).toBeGreaterThan(0);
  expect(blocks).toBeGreaterThan(0);
}, 120_000);
