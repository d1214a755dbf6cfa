import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { AppendResult, Labels } from "@pharos/model";
import { LogFollower } from "@pharos/tsdb";
import { decodeRecord } from "@pharos/tsdb/wal";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "../config/config.ts";
import { AgentStore } from "./store.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-agent-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (window = 0): Promise<AgentStore> =>
  AgentStore.open({
    dir,
    compression: "snappy",
    lock: true,
    truncateMs: 3600_000,
    minAgeMs: 1000,
    maxAgeMs: 10_000,
    outOfOrderTimeWindowMs: window,
    storeStartTimestamps: true,
    registry: new Registry(),
    log: silentLogger,
    now: () => Date.now(),
  });

function append(store: AgentStore, name: string, time: number): AppendResult {
  const appender = store.appender();
  const ref = appender.series(Labels.from({ __name__: name }));
  const result = appender.append(ref, time, 1);
  appender.commit();
  return result;
}

/** Samples in the log from its beginning on, as `name time`. */
function logged(): string[] {
  const names = new Map<number, string>();
  const lines: string[] = [];
  const follower = new LogFollower(join(dir, "wal"), { segment: 0, offset: 0 });
  const read = (record: Buffer): void =>
    decodeRecord(record, {
      series: (ref, labels) => names.set(ref, labels.metricName),
      samples: ({ count, refs, times }) => {
        for (let i = 0; i < count; i++) lines.push(`${names.get(refs[i])} ${times[i]}`);
      },
      histogram: () => {},
      metadata: () => {},
      tombstone: () => {},
      exemplar: () => {},
      marker: () => {},
    });
  for (const { record } of follower.seriesBefore()) read(record);
  for (const record of follower.records()) read(record);
  return lines;
}

test("samples are logged, order is kept, and known again after a restart", async () => {
  {
    await using store = await open();
    expect(append(store, "a", 100)).toBe(AppendResult.ok);
    expect(append(store, "a", 100)).toBe(AppendResult.outOfOrder);
    expect(append(store, "b", 50)).toBe(AppendResult.ok);
    await expect(open()).rejects.toThrow("another process has this data directory open");
  }
  await using store = await open();
  expect(store.seriesCount).toBe(2);
  expect(append(store, "a", 90)).toBe(AppendResult.outOfOrder);
  expect(append(store, "a", 110)).toBe(AppendResult.ok);
  expect(append(store, "c", 10)).toBe(AppendResult.ok);
  expect(logged()).toEqual(["a 100", "b 50", "a 110", "c 10"]);
});

test("a window lets late samples in", async () => {
  await using store = await open(50);
  expect(append(store, "a", 100)).toBe(AppendResult.ok);
  expect(append(store, "a", 60)).toBe(AppendResult.ok);
  expect(append(store, "a", 40)).toBe(AppendResult.outOfOrder);
});

test("cutting the log: what is still to be sent stays, unless it is too old", async () => {
  await using store = await open();
  let held: number | undefined = 0;
  store.readBy(
    () => held,
    () => 0,
  );
  for (let i = 0; i < 4; i++) {
    append(store, `s${i}`, 1000 + i);
    store.truncate(0);
  }
  expect(readdirSync(join(dir, "wal")).filter((name) => name.startsWith("checkpoint"))).toEqual([]);
  expect(logged()).toEqual(["s0 1000", "s1 1001", "s2 1002", "s3 1003"]);
  held = 3;
  store.truncate(1001);
  expect(existsSync(join(dir, "wal", "checkpoint.00000002"))).toBe(true);
  // s0 is forgotten, the samples of the others are no longer needed before segment 3.
  expect(store.seriesCount).toBe(3);
  expect(logged()).toEqual(["s3 1003"]);
  held = 0;
  const old = (Date.now() - 60_000) / 1000;
  for (const name of readdirSync(join(dir, "wal")))
    if (/^\d+$/.test(name)) utimesSync(join(dir, "wal", name), old, old);
  append(store, "s4", 5000);
  store.truncate(0);
  expect(existsSync(join(dir, "wal", "00000003"))).toBe(false);
});

test("sections that only a server has are refused", () => {
  const load = (text: string) => () => loadConfig(text, { file: "", agentMode: true });
  expect(load("remote_write: [{url: http://x/push}]")).not.toThrow();
  expect(load("rule_files: [a.yml]")).toThrow("field rule_files is not allowed in agent mode");
  expect(load("remote_read: [{url: http://x/read}]")).toThrow("field remote_read is not allowed in agent mode");
  expect(load("alerting: {alertmanagers: [{static_configs: [{targets: [a:9093]}]}]}")).toThrow(
    "field alerting is not allowed in agent mode",
  );
  expect(load("alerting: {alertmanagers: []}\nrule_files: []")).not.toThrow();
});
