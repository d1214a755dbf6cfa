import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrateStorage } from "./migrate.ts";
import { type SilenceInput, Silences } from "./silences.ts";

let dir: string;
let path: string;
let now: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-silences-"));
  path = join(dir, "silences");
  now = 100;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (limits: { maxSilences?: number; maxSilenceSize?: number } = {}): Silences =>
  new Silences({ path, retention: 1000, now: () => now, log: silentLogger, ...limits });
const input = (value: string, startsAt = 100, endsAt = 200): SilenceInput => ({
  id: "",
  matcherSets: [[{ name: "a", value, isRegex: false, isEqual: true }]],
  startsAt,
  endsAt,
  createdBy: "me",
  comment: "why",
});

test("what is told to exist is there after a crash, and half an entry costs the others nothing", () => {
  const silences = open();
  const id = silences.set(input("x"))!;
  const other = silences.set({ ...input("y"), annotations: { ticket: "7" } })!;
  // No close: the process is gone.
  truncateSync(path, readFileSync(path).length - 3);
  expect(
    open()
      .all()
      .map((silence) => silence.id),
  ).toEqual([id]);
  expect(open().set(input("z"))).toBeDefined();
  expect(open().all()).toHaveLength(2);
  expect(open().get(other)).toBeUndefined();
});

test("an entry that cannot be read stays in the file, the others count", () => {
  const id = open().set(input("x"))!;
  appendFileSync(path, Buffer.from([3, 0x0a, 1, 0x08]));
  const silences = open();
  expect(silences.all().map((silence) => silence.id)).toEqual([id]);
  silences.snapshot();
  expect(readFileSync(path).includes(Buffer.from([3, 0x0a, 1, 0x08]))).toBe(true);
  expect(open().all()).toHaveLength(1);
});

test("an active silence changes in place unless that rewrites the past", () => {
  const silences = open();
  const id = silences.set(input("x"))!;
  now = 150;
  expect(silences.set({ ...input("x", 100, 900), id })).toBe(id);
  now = 160;
  const other = silences.set({ ...input("z", 100, 900), id })!;
  expect(other).not.toBe(id);
  expect(silences.get(id)!.endsAt).toBe(160);
  expect(silences.matching(Labels.from({ a: "z" }), 200)).toEqual([other]);
  expect(silences.set({ ...input("x", 100, 900), id: "unknown" })).toBeUndefined();
});

test("expired silences are kept for the retention; expiring twice changes nothing", () => {
  const silences = open();
  const id = silences.set(input("x"))!;
  now = 150;
  expect(silences.expire(id)).toBe(true);
  now = 160;
  expect(silences.expire(id)).toBe(true);
  expect(silences.get(id)!.endsAt).toBe(150);
  expect(silences.expire("unknown")).toBe(false);
  now = 1100;
  silences.snapshot();
  expect(silences.all()).toHaveLength(1);
  now = 1200;
  silences.snapshot();
  expect(open().all()).toEqual([]);
});

test("limits, and nothing that is no silence", () => {
  const silences = open({ maxSilences: 1, maxSilenceSize: 200 });
  expect(() => silences.set({ ...input("x"), comment: "long ".repeat(50) })).toThrow(
    /exceeded maximum size: \d+ bytes \(limit: 200/,
  );
  const id = silences.set(input("x"))!;
  expect(() => silences.set(input("y"))).toThrow("exceeded maximum number of silences: 1 (limit: 1)");
  expect(silences.set({ ...input("x", 100, 300), id })).toBe(id);
  expect(() => silences.set({ ...input("x"), matcherSets: [[]] })).toThrow("matcher set 0 is empty");
  expect(() => silences.set(input(""))).toThrow("at least one matcher must not match the empty string");
  expect(() => silences.set(input("x", 300, 200))).toThrow("end time must not be before start time");
});

test("replicas: the newer statement wins, whatever the order; what is told is what is in the file", () => {
  const told: Uint8Array[] = [];
  const first = open();
  first.broadcast = (entry) => told.push(entry);
  const id = first.set(input("x"))!;
  now = 120;
  first.expire(id);
  path = join(dir, "other");
  const second = open();
  expect(second.merge(told[1])).toBe(true);
  expect(second.merge(told[0])).toBe(false);
  expect(second.get(id)!.endsAt).toBe(120);
  expect(open().get(id)!.endsAt).toBe(120);
});

test("silences of the older JSON lines are taken over once", () => {
  const old = {
    id: "11111111-1111-1111-1111-111111111111", matchers: input("x").matcherSets[0], startsAt: 50, endsAt: 500, updatedAt: 50, createdBy: "me", comment: "c",
  }; // biome-ignore format: a table
  writeFileSync(join(dir, "silences.jsonl"), `${JSON.stringify(old)}\n{damaged\n`);
  writeFileSync(join(dir, "notifications.jsonl"), "{}\n");
  const silences = open();
  migrateStorage(dir, silences, 1000, silentLogger);
  expect(silences.matching(Labels.from({ a: "x" }), 100)).toEqual([old.id]);
  migrateStorage(dir, silences, 1000, silentLogger);
  expect(open().all()).toHaveLength(1);
  expect(readFileSync(join(dir, "silences.jsonl.migrated"), "utf8")).toContain("{damaged");
});
