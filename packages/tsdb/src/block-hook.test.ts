import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BlockMeta, type Db, openDb } from "./db.ts";

const HOUR = 3600_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-hook-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function fill(db: Db, from: number, to: number): void {
  for (let t = from; t < to; t += 60_000) {
    const appender = db.appender();
    appender.append(appender.series(Labels.from({ __name__: "a" })), t, t);
    appender.commit();
  }
}

test("every new block says who wrote it, as Thanos wants it, when that is asked for", async () => {
  await using db = await openDb({ dir, thanos: { labels: { cluster: "main", replica: "0" } } });
  fill(db, 0, 4 * HOUR);
  await db.compact();
  db.configure({ thanos: { labels: { cluster: "other" }, source: "pharos" } });
  fill(db, 4 * HOUR, 12 * HOUR);
  await db.compact();
  const metas = db.blocks().map(({ ulid }) => {
    const meta = JSON.parse(readFileSync(join(dir, ulid, "meta.json"), "utf8")) as BlockMeta;
    return { ...meta.thanos, level: meta.compaction.level };
  });
  const [{ ulid }] = db.blocks();
  const size = (path: string): number => statSync(join(dir, ulid, path)).size;
  expect(metas[0]).toEqual({
    version: 1,
    labels: { cluster: "other" },
    downsample: { resolution: 0 },
    source: "pharos",
    files: [
      { rel_path: "chunks/000001", size_bytes: size("chunks/000001") },
      { rel_path: "index", size_bytes: size("index") },
      { rel_path: "meta.json" },
    ],
    level: 2,
  });
});

test("without it there is no such section", async () => {
  await using db = await openDb({ dir });
  fill(db, 0, 4 * HOUR);
  await db.compact();
  expect(readFileSync(join(dir, db.blocks()[0].ulid, "meta.json"), "utf8")).not.toContain("thanos");
});

test("a block's folder stays for as long as whoever was told of it is busy, and failures stop nothing", async () => {
  const told: { dir: string; done: () => void; fail: () => void }[] = [];
  await using db = await openDb({
    dir,
    onBlock: (_, folder) =>
      new Promise<void>((resolve, reject) =>
        told.push({ dir: folder, done: resolve, fail: () => reject(new Error("no")) }),
      ),
  });
  fill(db, 0, 12 * HOUR);
  await db.compact();
  // Three of two hours became one of six; the copies of them are still under way.
  expect(told.length).toBeGreaterThan(4);
  expect(db.blocks()[0].compaction.level).toBe(2);
  expect(told.every((one) => existsSync(join(one.dir, "index")))).toBe(true);
  const [first, second, ...others] = told;
  first.done();
  second.fail();
  await new Promise(setImmediate);
  expect(existsSync(first.dir)).toBe(false);
  expect(existsSync(second.dir)).toBe(false);
  for (const { done } of others) done();
  await new Promise(setImmediate);
  expect(
    readdirSync(dir)
      .filter((name) => name.length === 26)
      .sort(),
  ).toEqual(
    db
      .blocks()
      .map(({ ulid }) => ulid)
      .sort(),
  );
});

test("a hook that throws at once stops nothing either", async () => {
  await using db = await openDb({
    dir,
    onBlock: () => {
      throw new Error("no");
    },
  });
  fill(db, 0, 4 * HOUR);
  await db.compact();
  expect(db.blocks()).toHaveLength(1);
});
