import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";

/** Columns of /proc/net/stat/nf_conntrack worth telling, and what they count. */
const STATISTICS: readonly (readonly [column: string, help: string])[] = [
  ["found", "Number of searched entries which were successful."],
  ["invalid", "Number of packets seen which can not be tracked."],
  ["ignore", "Number of packets seen which are already connected to a conntrack entry."],
  ["insert", "Number of entries inserted into the list."],
  ["insert_failed", "Number of entries for which list insertion was attempted but failed."],
  ["drop", "Number of packets dropped due to conntrack failure."],
  ["early_drop", "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached."],
  ["search_restart", "Number of conntrack table lookups which had to be restarted due to hashtable resizes."],
];

export const conntrack: Collector = {
  name: "conntrack",
  collect({ paths }) {
    const limits = `${paths.procfs}/sys/net/netfilter`;
    const out = new FamilySet();
    const entries = Number(readTextOrNoData(limits, "nf_conntrack_count"));
    const limit = Number(readTextOrNoData(limits, "nf_conntrack_max"));
    out.gauge(
      "node_nf_conntrack_entries",
      "Number of currently allocated flow entries for connection tracking.",
      entries,
    );
    out.gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.", limit);
    // A head line, then one line of hexadecimal numbers a processor.
    const [head, ...lines] = readTextOrNoData(paths.procfs, "net/stat/nf_conntrack").trim().split("\n");
    const columns = head.trim().split(/\s+/);
    const rows = lines.map((line) => line.trim().split(/\s+/));
    for (const [column, help] of STATISTICS) {
      const i = columns.indexOf(column);
      if (i < 0) continue;
      const sum = rows.reduce((total, row) => total + Number.parseInt(row[i], 16), 0);
      out.gauge(`node_nf_conntrack_stat_${column}`, help, sum);
    }
    return out.families;
  },
};
