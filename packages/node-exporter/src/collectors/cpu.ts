import {
  type Collector,
  type CollectorContext,
  FamilySet,
  list,
  readInteger,
  readText,
  readTrimmed,
} from "../collector.ts";
import { parseCpuList } from "../cpu-list.ts";
import { existsSync } from "../system.ts";

/** Columns of a `cpuN` line of /proc/stat; time in guests follows, and is part of user and nice as well. */
const MODES = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const GUEST_MODES = ["user", "nice"];
/** The kernel counts in units of 1/100 s for user space, whatever its own timer is. */
const USER_HZ = 100;

/** Idle time that falls by this much is a processor that was taken away and came back; by less, a kernel's jitter. */
const JUMP_BACK_SECONDS = 3;
const IDLE = MODES.indexOf("idle");

/** Figures told last, by procfs and processor, so that a counter does not fall by jitter. */
const settled = new Map<string, number[]>();

function settle(key: string, now: number[]): number[] {
  const before = settled.get(key);
  const reset = !before || before[IDLE] - now[IDLE] >= JUMP_BACK_SECONDS;
  const values = reset ? now : now.map((value, i) => Math.max(value, before[i] ?? 0));
  settled.set(key, values);
  return values;
}

function addTimes(out: FamilySet, { paths, flags }: CollectorContext): void {
  for (const line of readText(paths.procfs, "stat").split("\n")) {
    const match = /^cpu(\d+)\s+(.*)$/.exec(line);
    if (!match) continue;
    const seconds = match[2]
      .trim()
      .split(/\s+/)
      .map((ticks) => Number(ticks) / USER_HZ);
    const values = settle(`${paths.procfs} ${match[1]}`, seconds);
    for (const [i, mode] of MODES.entries()) {
      const labels = ["cpu", match[1], "mode", mode];
      out.counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", values[i], labels);
    }
    if (flags["collector.cpu.guest"] === false) continue;
    for (const [i, mode] of GUEST_MODES.entries()) {
      const help = "Seconds the CPUs spent in guests (VMs) for each mode.";
      out.counter("node_cpu_guest_seconds_total", help, values[MODES.length + i], ["cpu", match[1], "mode", mode]);
    }
  }
}

/** Blocks of `key : value` lines, one a processor. */
function parseCpuInfo(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .map((block) => new Map(block.split("\n").map((line) => line.split(/\s*:\s*/, 2) as [string, string])))
    .filter((fields) => fields.has("processor"));
}

function addInfo(out: FamilySet, { paths, flags, patterns }: CollectorContext): void {
  const flagsInclude = patterns["collector.cpu.info.flags-include"];
  const bugsInclude = patterns["collector.cpu.info.bugs-include"];
  if (flags["collector.cpu.info"] !== true && !flagsInclude && !bugsInclude) return;
  const processors = parseCpuInfo(readText(paths.procfs, "cpuinfo"));
  for (const fields of processors) {
    const field = (name: string): string => fields.get(name) ?? "";
    const place = ["package", field("physical id"), "core", field("core id"), "cpu", field("processor")];
    out.gauge("node_cpu_info", "CPU information from /proc/cpuinfo.", 1, [
      ...place,
      "vendor",
      field("vendor_id"),
      "family",
      field("cpu family"),
      "model",
      field("model"),
      "model_name",
      field("model name"),
      "microcode",
      field("microcode"),
      "stepping",
      field("stepping"),
      "cachesize",
      field("cache size"),
    ]);
    if (flags["collector.cpufreq"] === true) {
      const hertz = Number(field("cpu MHz")) * 1e6;
      out.gauge("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.", hertz, place);
    }
  }
  for (const [what, key, include] of [
    ["flag", "flags", flagsInclude],
    ["bug", "bugs", bugsInclude],
  ] as const) {
    if (!include) continue;
    for (const value of (processors[0]?.get(key) ?? "").split(" ")) {
      if (!include.matches(value)) continue;
      const help = `The \`${key}\` field of CPU information from /proc/cpuinfo taken from the first core.`;
      out.gauge(`node_cpu_${what}_info`, help, 1, [what, value]);
    }
  }
}

/** Throttling is counted once a core and once a package, whichever of their threads is asked. */
function addThrottles(out: FamilySet, root: string, folders: readonly string[]): void {
  const seen = new Set<string>();
  for (const folder of folders) {
    if (!existsSync(`${root}/${folder}/thermal_throttle`)) continue;
    const physical = readInteger(root, folder, "topology/physical_package_id");
    const core = readInteger(root, folder, "topology/core_id");
    if (physical === undefined || core === undefined) continue;
    const once = (key: string, name: string, help: string, file: string, labels: string[]): void => {
      if (seen.has(key)) return;
      const count = readInteger(root, folder, "thermal_throttle", file);
      if (count === undefined) return;
      seen.add(key);
      out.counter(name, help, count, labels);
    };
    once(
      `${physical}/${core}`,
      "node_cpu_core_throttles_total",
      "Number of times this CPU core has been throttled.",
      "core_throttle_count",
      ["package", String(physical), "core", String(core)],
    );
    once(
      String(physical),
      "node_cpu_package_throttles_total",
      "Number of times this CPU package has been throttled.",
      "package_throttle_count",
      ["package", String(physical)],
    );
  }
}

export const cpu: Collector = {
  name: "cpu",
  flags: {
    "collector.cpu.guest": { type: "boolean", default: "true", help: "Enables metric node_cpu_guest_seconds_total" },
    "collector.cpu.info": { type: "boolean", default: "false", help: "Enables metric cpu_info" },
    "collector.cpu.info.flags-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Filter the `flags` field in cpuInfo with a value that must be a regular expression",
    },
    "collector.cpu.info.bugs-include": {
      type: "string",
      default: "",
      pattern: true,
      help: "Filter the `bugs` field in cpuInfo with a value that must be a regular expression",
    },
  },
  collect(context) {
    const out = new FamilySet();
    addInfo(out, context);
    addTimes(out, context);
    const root = `${context.paths.sysfs}/devices/system/cpu`;
    const folders = list(root).filter((name) => /^cpu\d+$/.test(name));
    for (const number of parseCpuList(readTrimmed(root, "isolated") ?? "")) {
      const help = "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.";
      out.gauge("node_cpu_isolated", help, 1, ["cpu", String(number)]);
    }
    addThrottles(out, root, folders);
    // As upstream: where the first processor does not tell, as it cannot be switched off, none is told of.
    const told = readInteger(root, folders[0] ?? "cpu0", "online") !== undefined;
    for (const folder of told ? folders : []) {
      const online = readInteger(root, folder, "online");
      out.gauge("node_cpu_online", "CPUs that are online and being scheduled.", online, ["cpu", folder.slice(3)]);
    }
    return out.families;
  },
};
