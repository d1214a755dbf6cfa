import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Db, openDb } from "../db.ts";
import { Block } from "./block.ts";
import { isUlid, newUlid } from "./meta.ts";
import { PageCache } from "./page-cache.ts";
import { addInterval, encodeTombstoneFile, readTombstones, type Tombstones } from "./tombstones.ts";

const HOUR = 3600_000;
const MINUTE = 60_000;
const all = new Matcher("=~", "__name__", ".+");
let dir: string;
let db: Db;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-block-"));
  db = await openDb({ dir });
});
afterEach(async () => {
  await db.close();
  rmSync(dir, { recursive: true });
});

function fill(from: number, to: number, names = ["a", "b"]): void {
  for (let time = from; time < to; time += MINUTE) {
    const appender = db.appender();
    for (const name of names) appender.append(appender.series(Labels.from({ __name__: name })), time, time / MINUTE);
    appender.commit();
  }
}

async function times(matcher = all): Promise<Record<string, number[]>> {
  using querier = db.querier(-1e15, 1e15);
  const out: Record<string, number[]> = {};
  const buffer = new SampleBuffer();
  for (const series of await querier.select([matcher])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    out[series.labels.metricName] = Array.from(buffer.timestamps.subarray(0, buffer.length));
  }
  return out;
}

const expected = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / MINUTE }, (_, i) => from + i * MINUTE);

describe("compaction", () => {
  test("head to blocks to larger blocks; every sample stays; a restart changes nothing", async () => {
    fill(0, 9 * HOUR);
    await db.compact();
    expect(db.blocks().map(({ minTime, maxTime }) => [minTime / HOUR, maxTime / HOUR])).toEqual([
      [0, 2],
      [2, 4],
      [4, 6],
    ]);
    expect(db.blocks()[0].stats).toEqual({ numSamples: 240, numFloatSamples: 240, numHistogramSamples: 0, numSeries: 2, numChunks: 2 }); // biome-ignore format: one row
    expect(await times()).toEqual({ a: expected(0, 9 * HOUR), b: expected(0, 9 * HOUR) });
    fill(9 * HOUR, 11 * HOUR);
    await db.compact();
    expect(db.blocks().map(({ minTime, maxTime, compaction }) => [minTime / HOUR, maxTime / HOUR, compaction.level])).toEqual([
      [0, 6, 2],
      [6, 8, 1],
    ]); // biome-ignore format: rows
    expect(db.blocks()[0].compaction.parents).toHaveLength(3);
    expect(readdirSync(dir).filter(isUlid)).toHaveLength(2);
    await db.close();
    db = await openDb({ dir });
    expect(await times()).toEqual({ a: expected(0, 11 * HOUR), b: expected(0, 11 * HOUR) });
    expect(db.minTime).toBe(0);
    using querier = db.querier(HOUR, 2 * HOUR);
    expect(querier.labelValues("__name__", [])).toEqual(["a", "b"]);
    expect(querier.labelNames([all])).toEqual(["__name__"]);
  });

  test("a querier goes on reading blocks that were merged away under it", async () => {
    fill(0, 9 * HOUR);
    await db.compact();
    using querier = db.querier(0, 9 * HOUR);
    const [a] = await querier.select([all]);
    fill(9 * HOUR, 12 * HOUR);
    await db.compact();
    const buffer = new SampleBuffer();
    a.read(0, 9 * HOUR - 1, buffer);
    expect(buffer.length).toBe(540);
  });

  test("deleted samples are hidden at once, also after a restart, and leave the disk when tombstones are cleaned", async () => {
    fill(0, 4 * HOUR);
    await db.compact();
    await db.deleteSeries([[new Matcher("=", "__name__", "a")]], Number.MIN_SAFE_INTEGER, HOUR);
    const left = { a: expected(HOUR + MINUTE, 4 * HOUR), b: expected(0, 4 * HOUR) };
    expect(await times()).toEqual(left);
    await db.close();
    db = await openDb({ dir });
    expect(await times()).toEqual(left);
    const [before] = db.blocks();
    await db.cleanTombstones();
    expect(await times()).toEqual(left);
    expect(db.blocks()[0].stats.numSamples).toBe(before.stats.numSamples! - 61);
    expect(db.blocks()[0].ulid).not.toBe(before.ulid);
  });

  test("retention by time removes whole blocks", async () => {
    fill(0, 9 * HOUR);
    await db.compact();
    await db.close();
    db = await openDb({ dir, retentionMs: 3 * HOUR, now: () => 9 * HOUR });
    await db.compact();
    expect(db.blocks().map(({ minTime }) => minTime / HOUR)).toEqual([2, 4]);
  });

  test("retention by size removes the oldest blocks", async () => {
    fill(0, 9 * HOUR);
    await db.compact();
    await db.close();
    db = await openDb({ dir, retentionBytes: 1 });
    await db.compact();
    expect(db.blocks()).toEqual([]);
  });

  test("a snapshot opens as a database of its own", async () => {
    fill(0, 4 * HOUR);
    await db.compact();
    const name = await db.snapshot(join(dir, "snapshots"), true);
    const original = await times();
    await db.close();
    db = await openDb({ dir: join(dir, "snapshots", name) });
    expect(await times()).toEqual(original);
  });
});

describe("damage", () => {
  test.each(["index", "meta.json", "tombstones", join("chunks", "000001")])("a block with a broken %s is named and left out, the others work", async (file) => {
    fill(0, 6 * HOUR);
    await db.compact();
    const [first] = db.blocks();
    await db.close();
    const path = join(dir, first.ulid, file);
    writeFileSync(path, readFileSync(path).fill(0x20, 0, 8));
    expect(() => new Block(join(dir, first.ulid), new PageCache(2 ** 20))).toThrow(expect.objectContaining({ where: { file: path } }));
    db = await openDb({ dir });
    expect(db.blocks().map(({ ulid }) => ulid)).not.toContain(first.ulid);
    expect((await times()).a[0]).toBe(2 * HOUR);
  }); // biome-ignore format: one table

  test("a flipped bit in a chunk is found by its checksum", async () => {
    fill(0, 4 * HOUR);
    await db.compact();
    const path = join(dir, db.blocks()[0].ulid, "chunks", "000001");
    const bytes = readFileSync(path);
    bytes[40] ^= 1;
    await db.close();
    writeFileSync(path, bytes);
    db = await openDb({ dir });
    await expect(times()).rejects.toThrow("checksum mismatch");
  });

  test("half-written blocks are removed at start", async () => {
    await db.close();
    mkdirSync(join(dir, `${newUlid(1)}.tmp-for-creation`));
    db = await openDb({ dir });
    expect(readdirSync(dir).filter((name) => name.includes("tmp"))).toEqual([]);
  });
});

test("property: tombstones come back as joined intervals", () => {
  const entry = fc.tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: 0, max: 9 }),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      const tombstones: Tombstones = new Map();
      const covered = new Set<string>();
      for (const [ref, from, length] of entries) {
        addInterval(tombstones, ref, from, from + length);
        for (let t = from; t <= from + length; t++) covered.add(`${ref} ${t}`);
      }
      writeFileSync(join(dir, "tombstones"), encodeTombstoneFile(tombstones));
      expect(readTombstones(dir)).toEqual(tombstones);
      for (let ref = 1; ref <= 5; ref++) {
        for (let t = -60; t <= 70; t++) {
          const inside = (tombstones.get(ref) ?? []).some(({ mint, maxt }) => t >= mint && t <= maxt);
          expect(inside).toBe(covered.has(`${ref} ${t}`));
        }
      }
    }),
    { seed: 1, numRuns: 50 },
  );
});
