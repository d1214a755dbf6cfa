import {
  type Collector,
  cleanName,
  FamilySet,
  list,
  listOrNoData,
  NoData,
  readTextIfThere,
  readTrimmed,
} from "../collector.ts";

const UNITS = "kmgtpe";

/** Number with a binary unit, such as `1.5M`, in whole bytes; throws when it is none. */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgtpe]?)\s*$/i.exec(text);
  if (!match) throw new Error(`not a size as bcachefs writes it: ${JSON.stringify(text)}`);
  return Math.trunc(Number(match[1]) * 1024 ** (UNITS.indexOf(match[2].toLowerCase() || " ") + 1));
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`not a count: ${JSON.stringify(text)}`);
  return Number(text);
}

/** Lines of a table, split at white space; those with fewer fields than `width` are headings or empty. */
function table(text: string | undefined, width: number, skip: number): string[][] {
  const lines = (text ?? "").split("\n").slice(skip);
  return lines.map((line) => line.trim().split(/\s+/)).filter((fields) => fields.length >= width);
}

const withoutColon = (text: string): string => text.replace(/:$/, "");

function addCounters(out: FamilySet, folder: string, labels: string[]): void {
  for (const name of list(folder, "counters")) {
    const text = readTextIfThere(folder, "counters", name);
    if (text === undefined) continue;
    const since = /^since filesystem creation:(.*)$/m.exec(text)?.[1];
    if (since === undefined && !text.includes("since mount:")) throw new Error(`counter ${name} has another format`);
    const help = `Bcachefs counter ${name} since filesystem creation.`;
    out.counter(`node_bcachefs_${cleanName(name)}_total`, help, since === undefined ? 0 : parseBytes(since), labels);
  }
}

/** `io_done`: the operation in a line of its own, under it bytes by kind of data. */
function addIoDone(out: FamilySet, folder: string, labels: string[]): void {
  let operation = "";
  for (const line of (readTextIfThere(folder, "io_done") ?? "").split("\n")) {
    const [key, value = ""] = line.split(":", 2).map((part) => part.trim());
    if (value === "" && (key === "read" || key === "write")) operation = key;
    else if (operation !== "" && line.includes(":")) {
      out.counter(
        "node_bcachefs_device_io_done_bytes_total",
        "IO bytes by operation type and data type.",
        parseCount(value),
        [...labels, "operation", operation, "data_type", key],
      );
    }
  }
}

/** `io_errors` has a section since the file system was made, and then others since later times. */
function addIoErrors(out: FamilySet, folder: string, labels: string[]): void {
  const text = readTextIfThere(folder, "io_errors") ?? "";
  const section = /^IO errors since filesystem creation.*\n((?:(?!IO errors since ).*\n?)*)/m.exec(text)?.[1] ?? "";
  for (const line of section.split("\n")) {
    const [type, value] = line.split(":", 2).map((part) => part.trim());
    if (value === undefined) continue;
    const help = "IO errors by error type.";
    out.counter("node_bcachefs_device_io_errors_total", help, parseCount(value), [...labels, "type", type]);
  }
}

function addDevice(out: FamilySet, folder: string, labels: string[]): void {
  const text = (file: string): string => readTrimmed(folder, file) ?? "";
  const count = (file: string): number => parseCount(readTextIfThere(folder, file)?.trim() ?? "0");
  const state = ["label", text("label"), "state", text("state")];
  out.gauge("node_bcachefs_device_info", "Device information.", 1, [...labels, ...state]);
  const bucket = text("bucket_size");
  const size = bucket === "" ? 0 : parseBytes(bucket);
  out.gauge("node_bcachefs_device_bucket_size_bytes", "Bucket size in bytes.", size, labels);
  out.gauge("node_bcachefs_device_buckets", "Total number of buckets.", count("nbuckets"), labels);
  out.gauge("node_bcachefs_device_durability", "Device durability setting.", count("durability"), labels);
  addIoDone(out, folder, labels);
  addIoErrors(out, folder, labels);
}

function addFileSystem(out: FamilySet, folder: string, uuid: string): void {
  const labels = ["uuid", uuid];
  out.gauge("node_bcachefs_info", "Filesystem information.", 1, labels);
  const cache = readTextIfThere(folder, "btree_cache_size")?.trim() || "0";
  out.gauge("node_bcachefs_btree_cache_size_bytes", "Btree cache memory usage in bytes.", parseBytes(cache), labels);
  for (const [type, compressed, uncompressed] of table(readTextIfThere(folder, "compression_stats"), 3, 1)) {
    const run = [...labels, "algorithm", withoutColon(type)];
    const name = "node_bcachefs_compression";
    out.gauge(`${name}_compressed_bytes`, "Compressed size by algorithm.", parseBytes(compressed), run);
    out.gauge(`${name}_uncompressed_bytes`, "Uncompressed size by algorithm.", parseBytes(uncompressed), run);
  }
  for (const [type, count] of table(readTextIfThere(folder, "errors"), 2, 0)) {
    const run = [...labels, "error_type", type];
    out.counter("node_bcachefs_errors_total", "Error count by error type.", parseCount(count), run);
  }
  addCounters(out, folder, labels);
  for (const [type, count, size] of table(readTextIfThere(folder, "btree_write_stats"), 3, 1)) {
    const run = [...labels, "type", withoutColon(type)];
    out.counter("node_bcachefs_btree_writes_total", "Number of btree writes by type.", parseCount(count), run);
    const help = "Average btree write size by type.";
    out.gauge("node_bcachefs_btree_write_average_size_bytes", help, parseBytes(size), run);
  }
  for (const entry of list(folder)) {
    if (entry.startsWith("dev-")) addDevice(out, `${folder}/${entry}`, [...labels, "device", entry.slice(4)]);
  }
}

export const bcachefs: Collector = {
  name: "bcachefs",
  collect({ paths }) {
    const root = `${paths.sysfs}/fs/bcachefs`;
    const out = new FamilySet();
    for (const uuid of listOrNoData(root)) addFileSystem(out, `${root}/${uuid}`, uuid);
    if (out.families.length === 0) throw new NoData("no bcachefs file system is mounted");
    return out.families;
  },
};
