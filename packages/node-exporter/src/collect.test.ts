import { setTimeout as sleep } from "node:timers/promises";
import type { MetricFamily } from "@pharos/exposition";
import { createLogger, silentLogger } from "@pharos/kit/log";
import { beforeEach, expect, test, vi } from "vitest";
import { collect, merge, StableOrder } from "./collect.ts";
import { type Collector, gauge, NoData, single } from "./collector.ts";
import { COLLECTORS } from "./collectors.ts";

vi.mock("./collectors.ts", () => ({ COLLECTORS: [] }));

const list = COLLECTORS as Collector[];
const OPTIONS = { paths: { procfs: "/proc", sysfs: "/sys", rootfs: "/", udevData: "/run/udev/data" } };
const optionsOf = () => ({ ...OPTIONS, patterns: {}, flags: {} });

beforeEach(() => {
  list.length = 0;
});

const told = (families: MetricFamily[], name: string): Record<string, number> =>
  Object.fromEntries(
    (families.find((family) => family.name === name)?.metrics ?? []).map((metric) => [
      metric.labels.join("="),
      (metric as { value: number }).value,
    ]),
  );

const names = (): Set<string> => new Set(list.map(({ name }) => name));

test("a collector that fails, has no data, or never answers costs only its own metrics", async () => {
  list.push(
    { name: "good", collect: () => [gauge("node_good", "", single(1))] },
    {
      name: "bad",
      collect: () => {
        throw new Error("broken");
      },
    },
    {
      name: "absent",
      collect: () => {
        throw new NoData("no such thing");
      },
    },
    { name: "late", collect: async () => [gauge("node_late", "", single(2))] },
    { name: "rejects", collect: () => Promise.reject(new Error("broken too")) },
    { name: "hangs", collect: () => new Promise<MetricFamily[]>(() => {}) },
  );
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const families = await collect(optionsOf(), names(), log, 30);
  expect(told(families, "node_scrape_collector_success")).toEqual({
    "collector=good": 1,
    "collector=bad": 0,
    "collector=absent": 0,
    "collector=late": 1,
    "collector=rejects": 0,
    "collector=hangs": 0,
  });
  expect(told(families, "node_good")).toEqual({ "": 1 });
  expect(told(families, "node_late")).toEqual({ "": 2 });
  expect(Object.keys(told(families, "node_scrape_collector_duration_seconds"))).toHaveLength(6);
  expect(lines.some((line) => line.includes("collector=bad") && line.includes("broken"))).toBe(true);
  // That a machine lacks something is no error.
  expect(lines.some((line) => line.includes("collector=absent"))).toBe(false);
});

test("one that hangs is not asked again before it has come back", async () => {
  const gates: (() => void)[] = [];
  let signal: AbortSignal | undefined;
  list.push({
    name: "slow",
    collect: (_context, given) => {
      signal = given;
      return new Promise((resolve) => gates.push(() => resolve([gauge("node_slow", "", single(1))])));
    },
  });
  const options = optionsOf();
  const scrape = async () => told(await collect(options, names(), silentLogger, 20), "node_scrape_collector_success");
  expect(await scrape()).toEqual({ "collector=slow": 0 });
  expect(signal?.aborted).toBe(true);
  expect(await scrape()).toEqual({ "collector=slow": 0 });
  expect(gates).toHaveLength(1);
  gates[0]();
  await sleep(0);
  const again = scrape();
  gates[1]();
  expect(await again).toEqual({ "collector=slow": 1 });
});

test("two scrapes at once share what is under way", async () => {
  let asked = 0;
  list.push({
    name: "shared",
    collect: async () => {
      asked++;
      await sleep(5);
      return [gauge("node_shared", "", single(asked))];
    },
  });
  const options = optionsOf();
  const both = await Promise.all([collect(options, names(), silentLogger), collect(options, names(), silentLogger)]);
  expect(both.map((families) => told(families, "node_shared"))).toEqual([{ "": 1 }, { "": 1 }]);
  expect(asked).toBe(1);
});

test("families of several collectors: together, sorted; what contradicts or comes twice is told once", () => {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const sample = (device: string, value: number) => ({ labels: ["device", device], value });
  const merged = merge(
    [
      gauge("node_b", "help", [sample("z", 1), sample("a", 2)]),
      gauge("node_a", "help", [{ labels: ["y", "1", "x", "2"], value: 3 }]),
      gauge("node_b", "help", [sample("m", 4), sample("a", 5)]),
      gauge("node_b", "other", [sample("q", 6)]),
      gauge("node_empty", "help", []),
    ],
    log,
  );
  expect(merged.map(({ name }) => name)).toEqual(["node_a", "node_b"]);
  expect(merged[0].metrics[0].labels).toEqual(["x", "2", "y", "1"]);
  expect(told(merged, "node_b")).toEqual({ "device=a": 2, "device=m": 4, "device=z": 1 });
  expect(lines).toHaveLength(2);
});

test("the order of names is kept and made anew when they change", () => {
  const order = new StableOrder();
  const sort = (...items: string[]) => order.sort(items.map((name) => ({ name }))).map(({ name }) => name);
  expect(sort("c", "a", "b")).toEqual(["a", "b", "c"]);
  expect(sort("c", "a", "b")).toEqual(["a", "b", "c"]);
  expect(sort("a", "c", "b", "d")).toEqual(["a", "b", "c", "d"]);
});
