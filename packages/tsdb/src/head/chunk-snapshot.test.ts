import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FloatHistogram, type IntHistogram, Labels, Matcher, SampleBuffer } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, type DbOptions, openDb } from "../db.ts";
import { snapshotsIn } from "./chunk-snapshot.ts";

let dir: string;
const open = (options: Partial<DbOptions> = {}): Promise<Db> =>
  openDb({ dir, snapshotOnShutdown: true, outOfOrderTimeWindowMs: 3600_000, ...options });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-snapshot-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const all = new Matcher("=~", "__name__", ".+");
const name = (metric: string): Labels => Labels.from({ __name__: metric, zone: "ünï" });

function histogram(i: number, kind: "int" | "float"): IntHistogram | FloatHistogram {
  const base = {
    counterResetHint: "unknown" as const,
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: i,
    count: 3 * i,
    sum: 1.5 * i,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [],
    customValues: [],
  };
  return kind === "int"
    ? { kind, ...base, positiveDeltas: [i, 0], negativeDeltas: [] }
    : { kind, ...base, positiveBuckets: [i, i], negativeBuckets: [] };
}

function put(db: Db, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const appender = db.appender();
    const float = appender.series(name("float"));
    appender.append(float, i * 1000, i % 3 === 0 ? Math.sin(i) : i);
    if (i % 50 === 10) {
      appender.appendExemplar(float, { labels: Labels.from({ trace: String(i) }), value: i, timestamp: i * 1000 });
    }
    const gone = appender.series(name("gone"));
    if (i < 5) appender.append(gone, i * 1000, i);
    if (i === 5) appender.appendStale(gone, i * 1000);
    for (const kind of ["int", "float"] as const) {
      appender.appendHistogram(appender.series(name(`${kind}_histogram`)), i * 1000, histogram(i, kind));
    }
    if (i === 40) appender.append(appender.series(name("float")), 20_500, -1);
    appender.commit();
  }
}

async function read(db: Db): Promise<string[]> {
  using querier = db.querier(-1e15, 1e15);
  const out: string[] = [];
  const buffer = new SampleBuffer();
  for (const series of await querier.select([all])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    for (let i = 0; i < buffer.length; i++) {
      const histogram = buffer.histograms?.[i];
      // The hint depends on where chunks begin, which a restart changes.
      const value = histogram ? JSON.stringify({ ...histogram, counterResetHint: "" }) : buffer.values[i];
      out.push(`${series.labels} ${buffer.timestamps[i]} ${buffer.isStale(i) ? "stale" : value}`);
    }
  }
  for (const { labels, exemplars } of db.exemplars([[all]], 0, 1e15)) {
    for (const { value, timestamp } of exemplars) out.push(`${labels} exemplar ${timestamp} ${value}`);
  }
  return out;
}

/** Empties the old segments of the log: whoever needs them has nothing. */
function emptyLog(): void {
  for (const file of readdirSync(join(dir, "wal"))) if (/^\d{8}$/.test(file)) truncateSync(join(dir, "wal", file));
}

for (const floatEncoding of ["xor", "xor2"] as const) {
  test(`what was in memory comes back without the log (${floatEncoding})`, async () => {
    let expected: string[];
    {
      await using db = await open({ floatEncoding });
      put(db, 1, 300);
      await db.deleteSeries([[new Matcher("=", "__name__", "int_histogram")]], 0, 100_000);
      expected = await read(db);
    }
    const [snapshot, ...others] = snapshotsIn(dir);
    expect(others).toEqual([]);
    emptyLog();
    {
      await using db = await open({ floatEncoding });
      expect(await read(db)).toEqual(expected);
      expect(db.headStats().numSeries).toBe(4);
      // It goes on as if nothing had been: duplicates are known as such, and what is newer goes in.
      const appender = db.appender();
      const ref = appender.series(name("float"));
      expect(appender.append(ref, 299_000, 299)).toBe(0);
      expect(appender.append(ref, 299_000, 5)).toBe(4);
      appender.rollback();
      put(db, 300, 400);
      expected = await read(db);
      expect(expected.filter((line) => line.includes("float_histogram"))).toHaveLength(399);
    }
    // The old one is replaced.
    expect(snapshotsIn(dir)).toHaveLength(1);
    expect(existsSync(snapshot.path)).toBe(false);
    {
      await using db = await open({ floatEncoding });
      expect(await read(db)).toEqual(expected);
    }
  });
}

test("after a crash the snapshot of before and the log since then make everything", async () => {
  {
    await using db = await open();
    put(db, 1, 100);
  }
  const copy = `${dir}-copy`;
  try {
    let expected: string[];
    {
      await using db = await open();
      // The open chunks of the snapshot become full and are written to files.
      put(db, 100, 500);
      expected = await read(db);
      cpSync(dir, copy, { recursive: true });
    }
    await using db = await openDb({ dir: copy, snapshotOnShutdown: true, outOfOrderTimeWindowMs: 3600_000 });
    expect(await read(db)).toEqual(expected);
    expect(db.corruptions).toEqual([]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test("a damaged snapshot costs nothing but time", async () => {
  let expected: string[];
  {
    await using db = await open();
    put(db, 1, 300);
    expected = await read(db);
  }
  const file = join(snapshotsIn(dir)[0].path, "00000000");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 0x10;
  writeFileSync(file, bytes);
  await using db = await open();
  expect(await read(db)).toEqual(expected);
});

test("a snapshot without its files of head chunks is not believed", async () => {
  let expected: string[];
  {
    await using db = await open();
    put(db, 1, 600);
    expected = await read(db);
  }
  const [file] = readdirSync(join(dir, "chunks_head"));
  truncateSync(join(dir, "chunks_head", file), 100);
  await using db = await open();
  expect(await read(db)).toEqual(expected);
});

test("a snapshot that is ahead of the log is thrown away", async () => {
  {
    await using db = await open();
    put(db, 1, 10);
  }
  mkdirSync(join(dir, "chunk_snapshot.000099.0000000000"));
  await using db = await open();
  expect(snapshotsIn(dir)).toEqual([]);
  expect((await read(db)).length).toBeGreaterThan(0);
});

test("without the feature none is written, and one that is there is left alone", async () => {
  {
    await using db = await open({ snapshotOnShutdown: false });
    put(db, 1, 10);
  }
  expect(snapshotsIn(dir)).toEqual([]);
});
