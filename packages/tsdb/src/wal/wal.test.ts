import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Damage, readSegment, repair } from "./read.ts";
import { PAGE, segmentPath, type WalCompression } from "./segments.ts";
import { WalWriter } from "./write.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-wal-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(records: readonly Buffer[], compression: WalCompression = "none"): string {
  rmSync(segmentPath(dir, 0), { force: true });
  using writer = new WalWriter(dir, 0, compression);
  for (const record of records) writer.log(record);
  return segmentPath(dir, 0);
}

function read(path: string): { records: Buffer[]; damages: Damage[] } {
  const records: Buffer[] = [];
  const reading = readSegment(path);
  for (let step = reading.next(); ; step = reading.next()) {
    if (step.done) return { records, damages: step.value };
    records.push(Buffer.from(step.value));
  }
}

const record = (size: number, fill = 1): Buffer => Buffer.alloc(size, fill);

test("a page's rest of every size near that of a header", () => {
  for (let rest = 0; rest <= 20; rest++) {
    const records = [record(PAGE - 7 - rest), record(100, 2), record(3 * PAGE, 3), record(5, 4)];
    expect(read(write(records))).toEqual({ records, damages: [] });
    // What a fragment says it is must be what upstream's reader expects: first and last, or one that is whole.
    const kinds: number[] = [];
    const bytes = readFileSync(segmentPath(dir, 0));
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] === 0) at += PAGE - (at % PAGE);
      else {
        kinds.push(bytes[at]);
        at += 7 + bytes.readUInt16BE(at + 1);
      }
    }
    expect(kinds.join("")).toMatch(/^(1|23*4)+$/);
  }
});

test.each(["none", "snappy", "zstd"] as const)("property: what is written is read, packed by %s", (compression) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 90_000, size: "max" }), { maxLength: 12 }),
      (list) => {
        const records = list.map((bytes) => Buffer.from(bytes));
        expect(read(write(records, compression))).toEqual({ records, damages: [] });
      },
    ),
    { numRuns: 40, seed: 5 },
  );
});

test("damage costs what stands in its page; the repaired file has none, and the rest of the records", () => {
  const records = Array.from({ length: 400 }, (_, i) => record(900, i % 250));
  const path = write(records);
  const bytes = readFileSync(path);
  bytes[5 * PAGE + 2000] ^= 4;
  writeFileSync(path, bytes);
  const { records: left, damages } = read(path);
  expect(damages).toHaveLength(1);
  expect(damages[0].reason).toBe("unexpected checksum");
  expect(damages[0].end).toBe(6 * PAGE + bytes.subarray(6 * PAGE).findIndex((byte) => byte === 1 || byte === 2));
  expect(left.length).toBeGreaterThan(records.length - 40);
  expect(records.slice(0, 100)).toEqual(left.slice(0, 100));
  expect(records.at(-1)).toEqual(left.at(-1));
  expect(repair(path, damages, "none")).toMatchObject([{ segment: path, offset: damages[0].offset }]);
  expect(read(path)).toEqual({ records: left, damages: [] });
});

test("what a failed transaction has logged is taken back, and the log goes on", () => {
  {
    using writer = new WalWriter(dir, 0, "none");
    writer.log(record(500));
    const mark = writer.mark();
    writer.log(record(PAGE, 2));
    writer.log(record(70, 3));
    writer.rewind(mark);
    writer.log(record(60, 4));
  }
  expect(read(segmentPath(dir, 0))).toEqual({ records: [record(500), record(60, 4)], damages: [] });
});

test("a torn end is cut off", () => {
  const path = write([record(500), record(500, 2)]);
  writeFileSync(path, readFileSync(path).subarray(0, 900));
  const { records, damages } = read(path);
  expect(records).toEqual([record(500)]);
  expect(damages).toEqual([{ offset: 507, end: 900, reason: "torn fragment" }]);
  repair(path, damages, "none");
  expect(readFileSync(path)).toHaveLength(507);
});
