import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { Registry, silentLogger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { Engine, type QueryResult } from "@pharos/promql";
import { type Db, openDb } from "@pharos/tsdb";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ServerEngine } from "../server-engine.ts";
import { QueryThreads } from "./query-threads.ts";

const STEP = 15_000;
const END = 1500 * STEP;

let dir: string;
let db: Db;
let threads: QueryThreads;
let engine: ServerEngine;
/** Threads in order of their start. */
let started: Worker[];
const onWorker = (worker: Worker): unknown => started.push(worker);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-query-threads-"));
  db = await openDb({ dir });
  for (let i = 0; i <= 1500; i++) {
    const appender = db.appender();
    for (let pod = 0; pod < 50; pod++) {
      const labels = Labels.from({ __name__: "requests_total", namespace: `ns-${pod % 5}`, pod: `pod-${pod}` });
      appender.append(appender.series(labels), i * STEP, i * (pod + 1));
    }
    appender.commit();
  }
  await db.compact();
  expect(db.blocks().length).toBeGreaterThan(0);
});

afterAll(async () => {
  await db.close();
  rmSync(dir, { recursive: true });
});

function open(count: number, maxTotalBytes?: number): void {
  threads = new QueryThreads({ count, engine: { maxTotalBytes }, share: () => db.share(), log: silentLogger });
  engine = new ServerEngine({
    maxTotalBytes,
    sharedMemory: threads.memory,
    maxConcurrency: 100,
    registry: new Registry(),
    log: silentLogger,
    // Whatever looks at more than a quarter of an hour is heavy, from some thousand samples on.
    pool: { storage: db, workers: threads.workers, heavyCost: 1000, splitCost: 200_000 },
  });
}

beforeEach(() => {
  started = [];
  process.on("worker", onWorker);
});

afterEach(async () => {
  process.off("worker", onWorker);
  engine[Symbol.dispose]();
  await threads[Symbol.asyncDispose]();
  expect(engine.heldBytes).toBe(0);
});

const range = (query: string, options = {}, signal?: AbortSignal): Promise<QueryResult> =>
  engine.range(db, query, 0, END, 60_000, options, signal);

/** Takes seconds: every step looks at all samples before it, and that some hundred times. */
const LONG = "sum(quantile_over_time(0.5, (requests_total * 1)[6h:15s])) + sum(quantile_over_time(scalar(sum(requests_total)) * 0 + 2, requests_total[6h]))"; // biome-ignore format: one row

test("what is heavy is evaluated in a thread, what is light is not; both as in one", async () => {
  open(2);
  const alone = new Engine();
  const light = await engine.instant(db, "sum(requests_total)", END);
  expect(light.value).toEqual((await alone.instant(db, "sum(requests_total)", END)).value);
  expect(started).toHaveLength(0);
  for (const query of [
    "rate(requests_total[5m])",
    "topk(3, requests_total)",
    "max_over_time(sum(requests_total)[30m:])",
    "absent(nothing)",
  ]) {
    expect((await range(query)).value).toEqual((await alone.range(db, query, 0, END, 60_000)).value);
  }
  expect(started).toHaveLength(1);
  const explained = await range("requests_total * 2", { explain: true });
  expect(explained.plan?.children[0].series).toBe(50);
  expect(explained.stats.totalSamples).toBeGreaterThan(15_000);
  await expect(range("requests_total + on (namespace) requests_total")).rejects.toThrow("duplicate series");
});

test("what is heavier still is split over all threads", async () => {
  open(2);
  const query = "sum by (namespace) (rate(requests_total[5m]))";
  const split = await engine.range(db, query, 0, END, 5000);
  expect(started).toHaveLength(2);
  const whole = await new Engine().range(db, query, 0, END, 5000);
  expect(split.stats.totalSamples).toBe(whole.stats.totalSamples);
  if (split.value.type !== "matrix" || whole.value.type !== "matrix") throw new Error("no matrix");
  expect(split.value.series.map(({ labels }) => labels.toString())).toEqual(
    whole.value.series.map(({ labels }) => labels.toString()),
  );
  for (const [i, { values }] of split.value.series.entries()) {
    for (const [k, value] of values.entries()) expect(value).toBeCloseTo(whole.value.series[i].values[k], 9);
  }
});

test("a query in a thread is listed with what it holds, and can be canceled; a time-out ends it", async () => {
  open(1);
  const running = range(LONG);
  running.catch(() => undefined);
  await expect.poll(() => engine.running()[0]?.bytes ?? 0, { timeout: 10_000 }).toBeGreaterThan(0);
  const [{ id, query }] = engine.running();
  expect(query).toBe(LONG);
  expect(engine.heldBytes).toBeGreaterThan(0);
  const began = performance.now();
  engine.cancel(id);
  await expect(running).rejects.toThrow("query was canceled");
  expect(performance.now() - began).toBeLessThan(500);
  expect(engine.running()).toHaveLength(0);
  await expect(range(LONG, { timeoutMs: 100 })).rejects.toThrow("query timed out");
  // The thread stops as well.
  await expect.poll(() => engine.heldBytes, { timeout: 5000 }).toBe(0);
});

test("a thread that breaks down takes its queries with it and nothing else", async () => {
  open(1);
  const failing = range(LONG);
  failing.catch(() => undefined);
  await expect.poll(() => engine.heldBytes, { timeout: 10_000 }).toBeGreaterThan(0);
  await started[0].terminate();
  await expect(failing).rejects.toThrow("broke down");
  expect(engine.heldBytes).toBe(0);
  expect((await engine.instant(db, "sum(requests_total)", END)).value.type).toBe("vector");
  const next = await range("sum(requests_total)");
  expect(next.value.type).toBe("matrix");
  expect(started).toHaveLength(2);
});

test("the limit for all queries together counts those of threads; the one over it fails, 50 others go on", async () => {
  open(1, 4 * 2 ** 20);
  const small = Array.from({ length: 50 }, (_, i) => range(`sum(requests_total{pod="pod-${i}"})`));
  const greedy = engine.range(db, "requests_total * 2", 0, END, 1000);
  await expect(greedy).rejects.toThrow(/would use .* of memory/);
  for (const result of await Promise.all(small)) {
    if (result.value.type !== "matrix") throw new Error("no matrix");
    expect(result.value.series).toHaveLength(1);
  }
});
