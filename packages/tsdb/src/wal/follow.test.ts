import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { LogFollower } from "./follow.ts";
import { WalWriter } from "./write.ts";

let dir = "";
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const record = (type: number, text: string): Buffer => Buffer.concat([Buffer.from([type]), Buffer.from(text)]);
const texts = (records: Iterable<Buffer>): string[] => [...records].map((bytes) => bytes.toString("latin1", 1));

test("records are read as the log grows, over segments, and again from a position", () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-follow-"));
  using writer = new WalWriter(dir, 3, "snappy");
  const follower = new LogFollower(dir, { segment: 3, offset: 0 });
  writer.log(record(2, "a"));
  writer.log(record(2, "b".repeat(100_000)));
  expect(texts(follower.records())).toEqual(["a", "b".repeat(100_000)]);
  const middle = follower.position;
  expect(texts(follower.records())).toEqual([]);
  writer.log(record(2, "c"));
  writer.nextSegment();
  writer.log(record(2, "d"));
  expect(texts(follower.records())).toEqual(["c", "d"]);
  expect(texts(new LogFollower(dir, middle).records())).toEqual(["c", "d"]);
});

test("series before a position, and nothing else of that part", () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-follow-"));
  using writer = new WalWriter(dir, 0, "none");
  for (const [type, text] of [[1, "s"], [2, "x"], [6, "m"]] as const) writer.log(record(type, text)); // biome-ignore format: one line
  writer.nextSegment();
  writer.log(record(1, "t"));
  const start = { segment: 1, offset: writer.segmentBytes };
  writer.log(record(1, "later"));
  const follower = new LogFollower(dir, start);
  expect(texts([...follower.seriesBefore()].map((entry) => Buffer.from(entry.record)))).toEqual(["s", "m", "t"]);
  expect(texts(follower.records())).toEqual(["later"]);
});

test("segments that are gone are told and passed over", () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-follow-"));
  using writer = new WalWriter(dir, 5, "none");
  writer.log(record(2, "x"));
  const losses: number[] = [];
  const follower = new LogFollower(dir, { segment: 2, offset: 70 }, ({ segment }) => losses.push(segment));
  expect(texts(follower.records())).toEqual(["x"]);
  expect(losses).toEqual([2]);
});
