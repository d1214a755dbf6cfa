import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDb } from "../db.ts";
import { LogFollower } from "../wal/follow.ts";
import { decodeRecord } from "../wal/records.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-checkpoint-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes samples over ten hours, compacting as time goes on; a series for each hour. */
async function fill(hold: (() => number | undefined) | undefined): Promise<void> {
  const hour = 3600_000;
  let now = hour;
  await using db = await openDb({ dir, now: () => now });
  if (hold) db.holdLog(hold);
  for (let i = 0; i < 10; i++) {
    for (let step = 0; step < 4; step++, now += hour / 4) {
      const appender = db.appender();
      appender.append(appender.series(Labels.from({ __name__: "m", hour: String(i) })), now, i);
      appender.commit();
    }
    await db.compact();
  }
}

/** Samples of the segments there are, by the series' label; those of unknown series as "?". */
function readable(): Map<string, number> {
  const names = new Map<number, string>();
  const found = new Map<string, number>();
  const follower = new LogFollower(join(dir, "wal"), { segment: 0, offset: 0 });
  const read = (record: Buffer): void =>
    decodeRecord(record, {
      series: (ref, labels) => names.set(ref, labels.get("hour")),
      samples: ({ count, refs }) => {
        for (let i = 0; i < count; i++) {
          const name = names.get(refs[i]) ?? "?";
          found.set(name, (found.get(name) ?? 0) + 1);
        }
      },
      histogram: () => {},
      metadata: () => {},
      tombstone: () => {},
      exemplar: () => {},
      marker: () => {},
    });
  for (const { record } of follower.seriesBefore()) read(record);
  for (const record of follower.records()) read(record);
  return found;
}

test("the log is shortened as the head is, unless someone still has to read it", async () => {
  await fill(undefined);
  const left = [...readable().values()].reduce((sum, count) => sum + count, 0);
  expect(left).toBeLessThan(40);
  rmSync(dir, { recursive: true });
  await fill(() => 0);
  expect(readdirSync(join(dir, "wal")).some((name) => name.startsWith("checkpoint"))).toBe(false);
  const all = readable();
  expect([...all.values()]).toEqual(new Array(10).fill(4));
  expect([...all.keys()]).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
  rmSync(dir, { recursive: true });
  await fill(() => 2);
  expect(readable().has("?")).toBe(false);
});
