import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, openDb } from "./db.ts";
import { openReadOnly, type ReadOnlyDb } from "./read-only.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const all = new Matcher("=~", "__name__", ".+");
let dir: string;
let sandboxRoot: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-looked-at-"));
  sandboxRoot = mkdtempSync(join(tmpdir(), "pharos-sandboxes-"));
});
afterEach(() => {
  for (const folder of [dir, sandboxRoot]) rmSync(folder, { recursive: true, force: true });
});

function fill(db: Db, from: number, to: number): void {
  for (let t = from; t < to; t += MINUTE) {
    const appender = db.appender();
    for (const name of ["a", "b"]) {
      appender.append(appender.series(Labels.from({ __name__: name, job: "x" })), t, Math.sin(t));
    }
    if (t % (10 * MINUTE) === 0 && t > HOUR) {
      appender.append(appender.series(Labels.from({ __name__: "a", job: "x" })), t - 30 * MINUTE + 1, 7);
    }
    appender.commit();
  }
}

async function read(db: Db | ReadOnlyDb): Promise<string[]> {
  using querier = db.querier(-1e15, 1e15);
  const out: string[] = [];
  const buffer = new SampleBuffer();
  for (const series of await querier.select([all])) {
    buffer.clear();
    series.read(-1e15, 1e15, buffer);
    for (let i = 0; i < buffer.length; i++) out.push(`${series.labels} ${buffer.timestamps[i]} ${buffer.values[i]}`);
  }
  return out;
}

/** Every file below the directory with its bytes. */
function contents(): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  );
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(dir, name)).toString("base64")]));
}

test("a directory that a server has open is read, blocks and head, and nothing in it is touched", async () => {
  await using db = await openDb({ dir, outOfOrderTimeWindowMs: HOUR });
  fill(db, 0, 9 * HOUR);
  await db.compact();
  fill(db, 9 * HOUR, 10 * HOUR);
  // Its last record is being written, and so is a chunk file.
  const segment = readdirSync(join(dir, "wal"))
    .filter((name) => /^\d{8}$/.test(name))
    .sort()
    .at(-1)!;
  appendFileSync(join(dir, "wal", segment), Buffer.from([1, 0, 90, 1, 2, 3]));
  const before = contents();
  {
    using opened = await openReadOnly({ dir, sandboxRoot });
    expect(await read(opened)).toEqual(await read(db));
    expect(opened.blocks()).toEqual(db.blocks());
    expect(opened.headStats().numSeries).toBe(2);
    // A block of late samples ends where its range does.
    expect([opened.minTime, opened.maxTime]).toEqual([0, 10 * HOUR - 1]);
    expect(opened.cardinality("job", 5).values).toEqual([{ name: "x", value: 2 }]);
    expect(readdirSync(sandboxRoot)).toHaveLength(1);
    const [{ ulid }] = opened.blocks();
    expect(opened.analyze(ulid, 2)).toMatchObject({
      totalSeries: 2,
      labelNames: 2,
      labelPairs: 3,
      labelPairEntries: 4,
      seriesByPair: [
        { name: "job=x", value: 2 },
        { name: "__name__=a", value: 1 },
      ],
      seriesByMetric: [
        { name: "a", value: 1 },
        { name: "b", value: 1 },
      ],
      valuesByName: [
        { name: "__name__", value: 2 },
        { name: "job", value: 1 },
      ],
    });
    expect(opened.analyze(ulid, 2, [new Matcher("=", "__name__", "a")])).toMatchObject({
      matchedSeries: 1,
      labelPairs: 2,
    });
    expect(() => opened.analyze("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1)).toThrow("there is no block");
  }
  expect(readdirSync(sandboxRoot)).toEqual([]);
  expect(contents()).toEqual(before);
});

test("blocks alone are there without reading the log", async () => {
  await using db = await openDb({ dir });
  fill(db, 0, 4 * HOUR);
  await db.compact();
  using opened = await openReadOnly({ dir, withHead: false, sandboxRoot });
  expect(opened.blocks()).toEqual(db.blocks());
  expect(opened.maxTime).toBe(2 * HOUR - 1);
});

test("whatever the server takes away meanwhile, what is read is everything", async () => {
  await using db = await openDb({ dir, outOfOrderTimeWindowMs: HOUR });
  let time = 0;
  for (let round = 0; round < 12; round++) {
    fill(db, time, time + 3 * HOUR);
    time += 3 * HOUR;
    const expected = await read(db);
    const opening = openReadOnly({ dir, sandboxRoot });
    await setImmediate();
    await db.compact();
    using opened = await opening;
    expect(await read(opened)).toEqual(expected);
  }
});

test("a second writer is refused with a clear message, a folder that is not there as well", async () => {
  await using _db = await openDb({ dir });
  await expect(openDb({ dir })).rejects.toThrow("another process has this data directory open");
  await expect(openReadOnly({ dir: join(dir, "nowhere") })).rejects.toThrow("there is no such directory");
});
