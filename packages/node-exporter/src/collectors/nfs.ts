import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";
import { parseRpc, V2_PROCEDURES, V3_PROCEDURES } from "./rpc.ts";

/** Procedures of the kernel's NFS 4 client, in its own order. */
const V4_PROCEDURES = [
  "Null", "Read", "Write", "Commit", "Open", "OpenConfirm", "OpenNoattr", "OpenDowngrade", "Close", "Setattr", "FsInfo",
  "Renew", "SetClientID", "SetClientIDConfirm", "Lock", "Lockt", "Locku", "Access", "Getattr", "Lookup", "LookupRoot",
  "Remove", "Rename", "Link", "Symlink", "Create", "Pathconf", "StatFs", "ReadLink", "ReadDir", "ServerCaps",
  "DelegReturn", "GetACL", "SetACL", "FsLocations", "ReleaseLockowner", "Secinfo", "FsidPresent", "ExchangeID",
  "CreateSession", "DestroySession", "Sequence", "GetLeaseTime", "ReclaimComplete", "GetDeviceInfo", "LayoutGet",
  "LayoutCommit", "LayoutReturn", "SecinfoNoName", "TestStateID", "FreeStateID", "GetDeviceList", "BindConnToSession",
  "DestroyClientID", "Seek", "Allocate", "DeAllocate", "LayoutStats", "Clone",
]; // biome-ignore format: a list

export const nfs: Collector = {
  name: "nfs",
  collect({ paths }) {
    const lines = parseRpc(readTextOrNoData(paths.procfs, "net/rpc/nfs"));
    const field = (line: string, i: number): number => lines.get(line)?.[i] ?? 0;
    const out = new FamilySet();
    const packets = "Total NFSd network packets (sent+received) by protocol type.";
    out.counter("node_nfs_packets_total", packets, field("net", 1), ["protocol", "udp"]);
    out.counter("node_nfs_packets_total", packets, field("net", 2), ["protocol", "tcp"]);
    out.counter("node_nfs_connections_total", "Total number of NFSd TCP connections.", field("net", 3));
    out.counter("node_nfs_rpcs_total", "Total number of RPCs performed.", field("rpc", 0));
    out.counter("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.", field("rpc", 1));
    const refreshes = "Number of RPC authentication refreshes performed.";
    out.counter("node_nfs_rpc_authentication_refreshes_total", refreshes, field("rpc", 2));
    for (const [proto, names] of [
      ["2", ["Null", ...V2_PROCEDURES]],
      ["3", ["Null", ...V3_PROCEDURES]],
      ["4", V4_PROCEDURES],
    ] as const) {
      // The first number says how many follow.
      for (const [i, method] of names.entries()) {
        const labels = ["proto", proto, "method", method];
        out.counter(
          "node_nfs_requests_total",
          "Number of NFS procedures invoked.",
          field(`proc${proto}`, i + 1),
          labels,
        );
      }
    }
    return out.families;
  },
};
