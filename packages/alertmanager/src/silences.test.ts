import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Silences } from "./silences.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-silences-"));
  path = join(dir, "silences.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (): Silences => new Silences(path, 1000, silentLogger);
const input = (value: string, startsAt = 100, endsAt = 200) => ({
  matchers: [{ name: "a", value, isRegex: false, isEqual: true }],
  startsAt,
  endsAt,
  createdBy: "me",
  comment: "why",
});

test("a line that cannot be read stays in the file, the others count", () => {
  const id = open().set(input("x"), 100);
  appendFileSync(path, "{damaged\n");
  const silences = open();
  expect(silences.all().map((silence) => silence.id)).toEqual([id]);
  silences.set(input("y"), 100);
  expect(readFileSync(path, "utf8")).toContain("{damaged\n");
  expect(open().all()).toHaveLength(2);
});

test("an active silence changes in place unless that rewrites the past", () => {
  const silences = open();
  const id = silences.set(input("x"), 100)!;
  expect(silences.set({ ...input("x", 100, 900), id }, 150)).toBe(id);
  const other = silences.set({ ...input("z", 100, 900), id }, 160)!;
  expect(other).not.toBe(id);
  expect(silences.get(id)!.endsAt).toBe(160);
  expect(silences.matching(Labels.from({ a: "z" }), 200)).toEqual([other]);
  expect(silences.set({ ...input("x", 100, 900), id: "unknown" }, 150)).toBeUndefined();
});

test("expired silences are kept for the retention, and cannot expire twice", () => {
  const silences = open();
  const id = silences.set(input("x"), 100)!;
  expect(silences.expire(id, 150)).toBe(true);
  expect(() => silences.expire(id, 160)).toThrow(/already expired/);
  silences.collect(1100);
  expect(silences.all()).toHaveLength(1);
  silences.collect(1200);
  expect(silences.all()).toEqual([]);
  expect(silences.expire("unknown", 1)).toBe(false);
});
