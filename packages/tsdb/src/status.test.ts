import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Db, openDb } from "./db.ts";
import { Top } from "./status.ts";

let dir: string;
let db: Db;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-status-"));
  db = await openDb({ dir });
});
afterEach(async () => {
  await db.close();
  rmSync(dir, { recursive: true });
});

test("who has how many series: per metric, label, pair, job and namespace", () => {
  const appender = db.appender();
  const put = (labels: Record<string, string>): void =>
    void appender.append(appender.series(Labels.from(labels)), 1000, 1);
  for (let i = 0; i < 5; i++) put({ __name__: "http_requests_total", job: "api", namespace: "shop", code: String(i) });
  for (let i = 0; i < 3; i++)
    put({ __name__: "up", job: i === 0 ? "api" : "db", namespace: "data", instance: String(i) });
  put({ __name__: "ALERTS" });
  appender.commit();
  const open = db.appender();
  open.append(open.series(Labels.from({ __name__: "not_yet", job: "ghost" })), 1000, 1);
  const status = db.status(2);
  expect(status.seriesCountByMetricName).toEqual([
    { name: "http_requests_total", value: 5 },
    { name: "up", value: 3 },
  ]);
  expect(status.seriesCountByJob).toEqual([
    { name: "api", value: 6 },
    { name: "db", value: 2 },
  ]);
  expect(status.seriesCountByNamespace).toEqual([
    { name: "shop", value: 5 },
    { name: "data", value: 3 },
  ]);
  expect(status.seriesCountByLabelValuePair).toEqual([
    { name: "job=api", value: 6 },
    { name: "__name__=http_requests_total", value: 5 },
  ]);
  expect(status.labelValueCountByLabelName[0]).toEqual({ name: "code", value: 5 });
  expect(db.cardinality("job", 10)).toEqual({
    series: 9,
    without: 1,
    distinct: 2,
    values: [
      { name: "api", value: 6 },
      { name: "db", value: 2 },
    ],
  });
  expect(db.cardinality("__name__", 1, [new Matcher("=", "job", "api")])).toEqual({
    series: 6,
    without: 0,
    distinct: 2,
    values: [{ name: "http_requests_total", value: 5 }],
  });
  expect(db.cardinality("nothing", 1)).toEqual({ series: 9, without: 9, distinct: 0, values: [] });
  open.rollback();
});

test("property: the largest of many are those that ordering all of them finds", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: 0, max: 12 }), (counts, limit) => {
      const top = new Top<number>(limit, String);
      for (const [i, count] of counts.entries()) top.add(i, count);
      const sorted = counts
        .map((value, i) => ({ name: String(i), value }))
        .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
      expect(top.entries()).toEqual(sorted.slice(0, limit));
    }),
    { seed: 7 },
  );
});
