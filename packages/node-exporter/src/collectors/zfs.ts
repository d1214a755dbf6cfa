import { type Collector, cleanName, FamilySet, list, NoData, readTrimmed } from "../collector.ts";

/** Files of /proc/spl/kstat/zfs, and the prefix of their metrics. */
const FILES: readonly (readonly [file: string, prefix: string])[] = [
  ["abdstats", "zfs_abd"],
  ["arcstats", "zfs_arc"],
  ["dbufstats", "zfs_dbuf"],
  ["dmu_tx", "zfs_dmu_tx"],
  ["dnodestats", "zfs_dnode"],
  ["fm", "zfs_fm"],
  ["vdev_cache_stats", "zfs_vdev_cache"],
  ["vdev_mirror_stats", "zfs_vdev_mirror"],
  ["xuio_stats", "zfs_xuio"],
  ["zfetchstats", "zfs_zfetch"],
  ["zil", "zfs_zil"],
];
const STATES = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];
/** Types of values: signed and unsigned 64-bit numbers. Others are no numbers or too small to be counters. */
const INT64 = "3";
const UINT64 = "4";

/** Lines `name type data` behind the line that says so. */
function* kstatLines(text: string): Generator<[name: string, type: string, data: string]> {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^name\s+type\s+data\s*$/.test(line));
  for (const line of head < 0 ? [] : lines.slice(head + 1)) {
    const match = /^(\S+)\s+(\S+)\s+(.*?)\s*$/.exec(line);
    if (match) yield [match[1], match[2], match[3]];
  }
}

/** A table of one line of names and one of numbers, behind a line about the file itself. */
function addPoolIo(out: FamilySet, pool: string, text: string): void {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const head = lines.findIndex((words) => words[0] === "nread" && words.length >= 12);
  for (const values of head < 0 ? [] : lines.slice(head + 1)) {
    for (const [i, name] of lines[head].entries()) {
      if (values[i] !== undefined)
        out.untyped(`node_zfs_zpool_${cleanName(name)}`, `kstat.zfs.misc.io.${name}`, Number(values[i]), [
          "zpool",
          pool,
        ]);
    }
  }
}

function addDataset(out: FamilySet, pool: string, text: string): void {
  let dataset = "";
  for (const [name, type, data] of kstatLines(text)) {
    if (name === "dataset_name") dataset = data;
    else if (type === UINT64) {
      const labels = ["zpool", pool, "dataset", dataset];
      out.untyped(`node_zfs_zpool_dataset_${cleanName(name)}`, `kstat.zfs.misc.objset.${name}`, Number(data), labels);
    }
  }
}

export const zfs: Collector = {
  name: "zfs",
  collect({ paths }) {
    const root = `${paths.procfs}/spl/kstat/zfs`;
    const entries = list(root);
    if (entries.length === 0) throw new NoData("ZFS / ZFS statistics are not available");
    const out = new FamilySet();
    for (const [file, prefix] of FILES) {
      for (const [name, type, data] of kstatLines(readTrimmed(root, file) ?? "")) {
        if (type !== UINT64 && type !== INT64) continue;
        out.untyped(`node_${prefix}_${cleanName(name)}`, `kstat.zfs.misc.${file}.${name}`, Number(data));
      }
    }
    for (const pool of entries) {
      const files = list(root, pool);
      if (files.includes("io")) addPoolIo(out, pool, readTrimmed(root, pool, "io") ?? "");
      for (const file of files.filter((name) => name.startsWith("objset-")))
        addDataset(out, pool, readTrimmed(root, pool, file) ?? "");
      if (!files.includes("state")) continue;
      const current = (readTrimmed(root, pool, "state") ?? "").toLowerCase();
      for (const state of STATES) {
        const labels = ["zpool", pool, "state", state];
        out.gauge("node_zfs_zpool_state", "kstat.zfs.misc.state", Number(state === current), labels);
      }
    }
    return out.families;
  },
};
