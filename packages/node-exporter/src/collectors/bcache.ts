import { type Collector, FamilySet, list, readText, readTextIfThere } from "../collector.ts";

/** bch_hprint's units; its fraction counts 1/1024 of a unit and is printed after the point as if it were decimal. */
const UNITS = "kMGTPEZY";

/** Number as bcache prints it for people, such as `1.0k`, in bytes; throws when it is none. */
export function parseHuman(text: string): number {
  const match = /^(-?)(\d+)(?:\.(\d+))?([kMGTPEZY]?)$/.exec(text);
  if (!match) throw new Error(`not a size as bcache writes it: ${JSON.stringify(text)}`);
  const [, sign, whole, fraction = "0", unit] = match;
  const scale = unit === "" ? 1 : 1024 ** (UNITS.indexOf(unit) + 1);
  const mantissa = unit === "" ? Number(`${whole}.${fraction}`) : Number(whole) + Number(fraction) / 10.24;
  const value = Math.trunc(mantissa * scale);
  return sign === "" ? value : -value;
}

type Row = readonly [file: string, name: string, help: string, kind?: "counter", scale?: number];

/** Files of the cache set itself. */
const SET: readonly Row[] = [
  ["average_key_size", "average_key_size_sectors", "Average data per key in the btree (sectors)."],
  ["btree_cache_size", "btree_cache_size_bytes", "Amount of memory currently used by the btree cache."],
  [
    "cache_available_percent",
    "cache_available_percent",
    "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
  ],
  ["congested", "congested", "Congestion."],
  [
    "root_usage_percent",
    "root_usage_percent",
    "Percentage of the root btree node in use (tree depth increases if too high).",
  ],
  ["tree_depth", "tree_depth", "Depth of the btree."],
  [
    "internal/active_journal_entries",
    "active_journal_entries",
    "Number of journal entries that are newer than the index.",
  ],
  ["internal/btree_nodes", "btree_nodes", "Total nodes in the btree."],
  // Upstream takes the microseconds of this file for nanoseconds, and every dashboard is built on that.
  [
    "internal/btree_read_average_duration_us",
    "btree_read_average_duration_seconds",
    "Average btree read duration.",
    undefined,
    1e-9,
  ],
  [
    "internal/cache_read_races",
    "cache_read_races_total",
    "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. where the pointer was stale after the read completed.",
    "counter",
  ],
];

/** Files of stats_total of a backing device. */
const PERIOD: readonly Row[] = [
  ["bypassed", "bypassed_bytes_total", "Amount of IO (both reads and writes) that has bypassed the cache.", "counter"],
  ["cache_hits", "cache_hits_total", "Hits counted per individual IO as bcache sees them.", "counter"],
  ["cache_misses", "cache_misses_total", "Misses counted per individual IO as bcache sees them.", "counter"],
  ["cache_bypass_hits", "cache_bypass_hits_total", "Hits for IO intended to skip the cache.", "counter"],
  ["cache_bypass_misses", "cache_bypass_misses_total", "Misses for IO intended to skip the cache.", "counter"],
  [
    "cache_miss_collisions",
    "cache_miss_collisions_total",
    "Instances where data insertion from cache miss raced with write (data already present).",
    "counter",
  ],
];

/** Lines of writeback_rate_debug of a backing device. */
const WRITEBACK: readonly Row[] = [
  ["target", "dirty_target_bytes", "Current dirty data target threshold for this backing device in bytes."],
  ["rate", "writeback_rate", "Current writeback rate for this backing device in bytes."],
  [
    "proportional",
    "writeback_rate_proportional_term",
    "Current result of proportional controller, part of writeback rate",
  ],
  ["integral", "writeback_rate_integral_term", "Current result of integral controller, part of writeback rate"],
  ["change", "writeback_change", "Last writeback rate change step for this backing device."],
];

const CACHE: readonly Row[] = [
  ["io_errors", "io_errors", "Number of errors that have occurred, decayed by io_error_halflife."],
  [
    "metadata_written",
    "metadata_written_bytes_total",
    "Sum of all non data writes (btree writes and all other metadata).",
    "counter",
  ],
  ["written", "written_bytes_total", "Sum of all data that has been written to the cache.", "counter"],
];

const PRIORITY: readonly Row[] = [
  ["Unused", "priority_stats_unused_percent", "The percentage of the cache that doesn't contain any data."],
  ["Metadata", "priority_stats_metadata_percent", "Bcache's metadata overhead."],
];

/** A missing file counts as 0: which there are differs from kernel to kernel. */
function readHuman(path: string): number {
  const text = readTextIfThere(path);
  return text === undefined ? 0 : parseHuman(text.trim());
}

/** Values of `key: value` lines, without their units. */
function readLines(path: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of readText(path).split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0)
      out.set(
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .trim()
          .replace(/(\/sec|ms|%)$/, ""),
      );
  }
  return out;
}

export const bcache: Collector = {
  name: "bcache",
  collect({ paths, flags }) {
    const root = `${paths.sysfs}/fs/bcache`;
    const out = new FamilySet();
    const add = ([, name, help, kind, scale = 1]: Row, value: number, labels: string[]): void =>
      out.add(kind ?? "gauge", `node_bcache_${name}`, help, value * scale, labels);
    for (const uuid of list(root).filter((name) => name.includes("-"))) {
      const folder = `${root}/${uuid}`;
      for (const row of SET) add(row, readHuman(`${folder}/${row[0]}`), ["uuid", uuid]);
      for (const device of list(folder)) {
        if (/^bdev\d/.test(device)) {
          const labels = ["uuid", uuid, "backing_device", device];
          const help = "Amount of dirty data for this backing device in the cache.";
          out.gauge("node_bcache_dirty_data_bytes", help, readHuman(`${folder}/${device}/dirty_data`), labels);
          const debug = readLines(`${folder}/${device}/writeback_rate_debug`);
          for (const row of WRITEBACK) add(row, parseHuman(debug.get(row[0]) ?? "0"), labels);
          for (const row of PERIOD) add(row, readHuman(`${folder}/${device}/stats_total/${row[0]}`), labels);
          // Gone from newer kernels, and 0 where it is not used.
          const readaheads = readHuman(`${folder}/${device}/stats_total/cache_readaheads`);
          const what = "Count of times readahead occurred.";
          if (readaheads > 0) out.counter("node_bcache_cache_readaheads_total", what, readaheads, labels);
        } else if (/^cache\d/.test(device)) {
          const labels = ["uuid", uuid, "cache_device", device];
          for (const row of CACHE) add(row, readHuman(`${folder}/${device}/${row[0]}`), labels);
          if (flags["collector.bcache.priorityStats"] !== true) continue;
          const priority = readLines(`${folder}/${device}/priority_stats`);
          for (const row of PRIORITY) add(row, parseHuman(priority.get(row[0]) ?? "0"), labels);
        }
      }
    }
    return out.families;
  },
};
