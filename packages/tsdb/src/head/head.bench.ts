/**
 * The head under load, by hand: `node packages/tsdb/src/head/head.bench.ts [SERIES] [SCRAPES]`. Series of ten labels from
 * targets of 1,000 lines, one sample each per scrape; prints CPU per sample with the write-ahead log, resident bytes per
 * series over those of the empty process, and what a query of everything costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher, SampleBuffer } from "@pharos/model";
import { openDb } from "../db.ts";

const SERIES = Number(process.argv[2] ?? 1_000_000);
const SCRAPES = Number(process.argv[3] ?? 20);
const PER_TARGET = 1_000;
const INTERVAL = 15_000;

const dir = mkdtempSync(join(tmpdir(), "pharos-head-bench-"));
const db = await openDb({ dir });
const targets = SERIES / PER_TARGET;

function labelsOf(target: number, line: number): Labels {
  return Labels.from({
    __name__: `metric_${line % 250}_total`,
    cluster: "production",
    container: `container-${target % 40}`,
    endpoint: "http-metrics",
    instance: `10.${target >> 8}.${target & 255}.7:9090`,
    job: `job-${target % 25}`,
    mode: `mode-${(line / 250) | 0}`,
    namespace: `namespace-${target % 60}`,
    pod: `deployment-${target % 100}-7d4b9c-${target}`,
    service: `service-${target % 100}`,
  });
}

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const base = resident();
const handles = new Float64Array(SERIES);
const values = new Float64Array(SERIES);
const time = Date.now() - SCRAPES * INTERVAL;
let started = cpu();
let spent = 0;
for (let target = 0; target < targets; target++) {
  const appender = db.appender();
  for (let line = 0; line < PER_TARGET; line++) {
    const i = target * PER_TARGET + line;
    handles[i] = appender.series(labelsOf(target, line));
    appender.append(handles[i], time + target, (values[i] = line * 10));
  }
  appender.commit();
}
const report = (what: string, count: number, unit: string): void => {
  spent += cpu() - started;
  console.log(
    `${what}: ${((spent * 1000) / count).toFixed(0)} ns a ${unit}, ${((resident() - base) / SERIES).toFixed(0)} B resident a series`,
  );
};
report("creating", SERIES, "series");
let seed = 1;
const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
spent = 0;
for (let scrape = 1; scrape < SCRAPES; scrape++) {
  // What targets show is made up before the clock runs.
  for (let i = 0; i < SERIES; i++) {
    // Half of it does not change; the rest are counters and some gauges.
    const kind = i & 7;
    if (kind >= 4 && kind < 7) values[i] += Math.floor(random() * 50);
    else if (kind === 7) values[i] = random() * 1e6;
  }
  started = cpu();
  for (let target = 0; target < targets; target++) {
    const appender = db.appender();
    for (let line = 0; line < PER_TARGET; line++) {
      const i = target * PER_TARGET + line;
      appender.append(handles[i], time + target + scrape * INTERVAL, values[i]);
    }
    appender.commit();
  }
  spent += cpu() - started;
  started = cpu();
}
report("appending", (SCRAPES - 1) * SERIES, "sample");
const { usedBytes, reservedBytes } = db.status(1).memory;
console.log(
  `head: ${(usedBytes / SERIES).toFixed(0)} B a series, ${(reservedBytes / SERIES).toFixed(0)} with free blocks`,
);
{
  spent = 0;
  started = cpu();
  using querier = db.querier(0, Number.MAX_SAFE_INTEGER);
  const found = await querier.select([new Matcher("=~", "__name__", "metric_1.*")]);
  const buffer = new SampleBuffer();
  let samples = 0;
  for (const series of found) {
    buffer.clear();
    series.read(0, Number.MAX_SAFE_INTEGER, buffer);
    samples += buffer.length;
  }
  report(`reading ${found.length} series`, samples, "sample");
}
await db.close();
rmSync(dir, { recursive: true });
