import { silentLogger } from "@pharos/kit/log";
import { expect, test } from "vitest";
import { perf } from "./collectors/perf.ts";
import { parseCpuList } from "./cpu-list.ts";
import { nodeExporterOptions } from "./flags.ts";
import { PerfCounter, SOFTWARE } from "./perf-events.ts";

test("lists of processors", () => {
  expect(parseCpuList("")).toEqual([]);
  expect(parseCpuList("1,3-5")).toEqual([1, 3, 4, 5]);
  expect(parseCpuList("0-8:4")).toEqual([0, 4, 8]);
  for (const bad of ["a", "1-", "0-99999999999", "0-4:0", "-1"]) expect(() => parseCpuList(bad)).toThrow("not a list");
});

async function collect(values: Record<string, unknown>) {
  const options = await nodeExporterOptions(values);
  return perf.collect({ ...options, log: silentLogger }, new AbortController().signal);
}

test("flags that name nothing", async () => {
  await expect(collect({ "collector.perf.software-profilers": ["Nothing"] })).rejects.toThrow(
    "Unknown software profiler",
  );
  await expect(collect({ "collector.perf.tracepoint": ["sched"] })).rejects.toThrow("invalid tracepoint");
});

/** Whether this user may count events of a whole processor. */
function allowed(): boolean {
  try {
    using counter = new PerfCounter({ type: SOFTWARE, config: 3n }, 0);
    return counter.read() >= 0;
  } catch {
    return false;
  }
}

test.runIf(process.platform === "linux" && allowed())("context switches are counted and only grow", async () => {
  const options = await nodeExporterOptions({
    "collector.perf.disable-hardware-profilers": true,
    "collector.perf.disable-cache-profilers": true,
    "collector.perf.software-profilers": ["ContextSwitch"],
    "collector.perf.cpus": "0",
  });
  const read = async (): Promise<number> => {
    const families = await perf.collect({ ...options, log: silentLogger }, new AbortController().signal);
    expect(families.map(({ name }) => name)).toEqual(["node_perf_context_switches_total"]);
    return (families[0].metrics[0] as { value: number }).value;
  };
  const first = await read();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await read()).toBeGreaterThanOrEqual(first);
});
