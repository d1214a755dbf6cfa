import { type Collector, FamilySet } from "../collector.ts";
import { NETLINK_SOCK_DIAG, Netlink } from "../netlink.ts";
import { existsSync } from "../system.ts";

const SOCK_DIAG_BY_FAMILY = 20;
/** struct inet_diag_req_v2: u8 family · u8 protocol · u8 extensions · pad · u32 states · 48 bytes of a socket */
const REQUEST_BYTES = 56;
const IPPROTO_TCP = 6;
const ALL_STATES = 0xfff;
const FAMILIES = { v4: 2, v6: 10 };
/** struct inet_diag_msg: u8 family · u8 state · … · u32 receive queue · u32 send queue */
const STATE = 1;
const RECEIVE_QUEUE = 56;
const SEND_QUEUE = 60;

/** By the kernel's number, from 1. */
const STATES = [
  "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close", "close_wait", "last_ack",
  "listen", "closing",
]; // biome-ignore format: a list

/** Counts of a family's sockets by state, and the bytes in their queues. */
function count(family: number, counts: Map<string, number>): void {
  const request = Buffer.alloc(REQUEST_BYTES);
  request[0] = family;
  request[1] = IPPROTO_TCP;
  request.writeUInt32LE(ALL_STATES, 4);
  using connection = new Netlink(NETLINK_SOCK_DIAG);
  const add = (state: string, value: number): void => {
    counts.set(state, (counts.get(state) ?? 0) + value);
  };
  for (const { body } of connection.dump(SOCK_DIAG_BY_FAMILY, request)) {
    add(STATES[body[STATE] - 1] ?? "unknown", 1);
    add("rx_queued_bytes", body.readUInt32LE(RECEIVE_QUEUE));
    add("tx_queued_bytes", body.readUInt32LE(SEND_QUEUE));
  }
}

export const tcpstat: Collector = {
  name: "tcpstat",
  collect({ paths }) {
    const counts = new Map<string, number>();
    count(FAMILIES.v4, counts);
    if (existsSync(`${paths.procfs}/net/tcp6`)) count(FAMILIES.v6, counts);
    const out = new FamilySet();
    for (const [state, value] of counts)
      out.gauge("node_tcp_connection_states", "Number of connection states.", value, ["state", state]);
    return out.families;
  },
};
