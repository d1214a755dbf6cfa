import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareStrings, Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ChunkMeta, IndexReader } from "./index-reader.ts";
import { IndexWriter } from "./index-writer.ts";
import { PageCache } from "./page-cache.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-index-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Series of a few labels, one of them with more chunks than a buffer holds. */
function make(): { labels: Labels; chunks: ChunkMeta[] }[] {
  const out = Array.from({ length: 3_000 }, (_, i) => ({
    labels: Labels.from({
      __name__: `m_${i % 7}`,
      id: String(i),
      zone: `z${i % 3}`,
      ...(i % 5 === 0 ? { odd: "x" } : {}),
    }),
    chunks: Array.from({ length: i === 1_234 ? 300_000 : 1 + (i % 3) }, (_, n) => ({
      mint: n * 10,
      maxt: n * 10 + 5,
      ref: n * 100,
    })),
  }));
  return out.sort((a, b) => a.labels.compare(b.labels));
}

function write(path: string, entriesAtOnce?: number): void {
  const series = make();
  const symbols = new Set(series.flatMap(({ labels }) => [...labels.pairs]));
  using writer = new IndexWriter(path, symbols, entriesAtOnce);
  for (const { labels, chunks } of series) writer.add(labels, chunks);
  writer.finish();
}

test("posting lists that are made a few at a time are the same as all at once", () => {
  write(join(dir, "whole"));
  write(join(dir, "parts"), 1);
  expect(Buffer.compare(readFileSync(join(dir, "whole")), readFileSync(join(dir, "parts")))).toBe(0);
  using reader = new IndexReader(join(dir, "parts"), new PageCache(2 ** 20));
  const expected = new Map<string, string[]>();
  for (const { labels } of make()) {
    for (const [name, value] of labels) {
      const key = `${name}=${value}`;
      expected.set(key, [...(expected.get(key) ?? []), String(labels)]);
    }
  }
  expect(reader.all()).toHaveLength(3_000);
  expect(reader.names()).toEqual(["__name__", "id", "odd", "zone"]);
  for (const name of reader.names()) {
    expect(reader.values(name)).toEqual([...reader.values(name)].sort(compareStrings));
    for (const value of reader.values(name)) {
      const found = [...reader.refs(name, value)].map((ref) => String(reader.series(ref).labels));
      expect(found).toEqual(expected.get(`${name}=${value}`));
    }
  }
});
