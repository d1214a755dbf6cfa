import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";
import { parseRpc, V2_PROCEDURES, V3_PROCEDURES } from "./rpc.ts";

/** Operations of NFS 4 by number from 3 on; "" is not told, as upstream has it. */
const V4_OPERATIONS = [
  "Access", "Close", "Commit", "Create", "DelegPurge", "DelegReturn", "GetAttr", "GetFH", "Link", "Lock", "Lockt", "Locku",
  "Lookup", "LookupRoot", "Nverify", "Open", "OpenAttr", "OpenConfirm", "OpenDgrd", "PutFH", "", "", "Read", "ReadDir",
  "ReadLink", "Remove", "Rename", "Renew", "RestoreFH", "SaveFH", "SecInfo", "SetAttr", "SetClientID",
  "SetClientIDConfirm", "Verify", "Write", "RelLockOwner",
]; // biome-ignore format: a list
const FIRST_V4_OPERATION = 3;

/** Counters (or gauges) that are one field of a line. */
const FIELDS: readonly (readonly [line: string, field: number, name: string, help: string, kind?: "gauge"])[] = [
  ["rc", 0, "reply_cache_hits_total", "Total number of NFSd Reply Cache hits (client lost server response)."],
  [
    "rc",
    1,
    "reply_cache_misses_total",
    "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
  ],
  [
    "rc",
    2,
    "reply_cache_nocache_total",
    "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
  ],
  ["fh", 0, "file_handles_stale_total", "Total number of NFSd stale file handles"],
  ["io", 0, "disk_bytes_read_total", "Total NFSd bytes read."],
  ["io", 1, "disk_bytes_written_total", "Total NFSd bytes written."],
  ["th", 0, "server_threads", "Total number of NFSd kernel threads that are running.", "gauge"],
  ["ra", 0, "read_ahead_cache_size_blocks", "How large the read ahead cache is in blocks.", "gauge"],
  ["ra", 11, "read_ahead_cache_not_found_total", "Total number of NFSd read ahead cache not found."],
  ["net", 3, "connections_total", "Total number of NFSd TCP connections."],
  ["rpc", 0, "server_rpcs_total", "Total number of NFSd RPCs."],
];

export const nfsd: Collector = {
  name: "nfsd",
  collect({ paths }) {
    const lines = parseRpc(readTextOrNoData(paths.procfs, "net/rpc/nfsd"));
    const field = (line: string, i: number): number => lines.get(line)?.[i] ?? 0;
    const out = new FamilySet();
    for (const [line, i, name, help, kind] of FIELDS)
      out.add(kind ?? "counter", `node_nfsd_${name}`, help, field(line, i));
    const packets = "Total NFSd network packets (sent+received) by protocol type.";
    out.counter("node_nfsd_packets_total", packets, field("net", 1), ["proto", "udp"]);
    out.counter("node_nfsd_packets_total", packets, field("net", 2), ["proto", "tcp"]);
    for (const [i, error] of [
      [2, "fmt"],
      [3, "auth"],
      [4, "cInt"],
    ] as const) {
      out.counter("node_nfsd_rpc_errors_total", "Total number of NFSd RPC errors by error type.", field("rpc", i), [
        "error",
        error,
      ]);
    }
    const request = (proto: string, method: string, count: number): void =>
      out.counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.", count, [
        "proto",
        proto,
        "method",
        method,
      ]);
    // The first number says how many follow, the second is the null procedure.
    for (const [i, method] of V2_PROCEDURES.entries()) request("2", method, field("proc2", i + 2));
    for (const [i, method] of V3_PROCEDURES.entries()) request("3", method, field("proc3", i + 2));
    for (const [i, method] of V4_OPERATIONS.entries()) {
      if (method !== "") request("4", method, field("proc4ops", 1 + FIRST_V4_OPERATION + i));
    }
    request("4", "WdelegGetattr", field("wdeleg_getattr", 0));
    return out.families;
  },
};
