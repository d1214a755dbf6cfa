import { UserError } from "@pharos/model/error";
import { type Collector, FamilySet, readTextOrNoData } from "../collector.ts";

const LABELS = ["local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"];

/** Columns of the totals, all hexadecimal. */
const TOTALS: readonly (readonly [name: string, help: string])[] = [
  ["connections_total", "The total number of connections made."],
  ["incoming_packets_total", "The total number of incoming packets."],
  ["outgoing_packets_total", "The total number of outgoing packets."],
  ["incoming_bytes_total", "The total amount of incoming data."],
  ["outgoing_bytes_total", "The total amount of outgoing data."],
];

/** `C0A80016:0CEA`, or an IPv6 address in brackets and the port. */
function parseAddress(text: string): { address: string; port: string } {
  const colon = text.lastIndexOf(":");
  const port = String(Number.parseInt(text.slice(colon + 1), 16));
  const host = text.slice(0, colon);
  if (host.startsWith("[")) return { address: new URL(`http://${host}/`).hostname.slice(1, -1), port };
  const bytes = host.match(/../g) ?? [];
  return { address: bytes.map((byte) => Number.parseInt(byte, 16)).join("."), port };
}

interface Backend {
  labels: string[];
  weight: number;
  active: number;
  inactive: number;
}

/** Backends follow the virtual service they are of; those whose chosen labels are the same are added up. */
function parseBackends(text: string, wanted: readonly string[]): Backend[] {
  const out = new Map<string, Backend>();
  let local: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (/^(TCP|UDP|SCTP)$/.test(words[0])) {
      const { address, port } = parseAddress(words[1]);
      local = { proto: words[0], local_address: address, local_port: port, local_mark: "" };
    } else if (words[0] === "FWM") {
      local = { proto: "FWM", local_address: "", local_port: "0", local_mark: words[1] };
    } else if (words[0] === "->" && words.length >= 6 && /:[0-9A-F]{4}$/.test(words[1])) {
      const { address, port } = parseAddress(words[1]);
      const values: Record<string, string> = { ...local, remote_address: address, remote_port: port };
      const labels = wanted.flatMap((name) => [name, values[name]]);
      const key = labels.join("\u0000");
      const backend = out.get(key) ?? { labels, weight: 0, active: 0, inactive: 0 };
      out.set(key, backend);
      const [weight, active, inactive] = words.slice(3).map(Number);
      backend.weight += weight;
      backend.active += active;
      backend.inactive += inactive;
    }
  }
  return [...out.values()];
}

export const ipvs: Collector = {
  name: "ipvs",
  collect({ paths, flags }) {
    const asked = String(flags["collector.ipvs.backend-labels"]).split(",").filter(Boolean);
    const unknown = asked.filter((name) => !LABELS.includes(name));
    if (unknown.length > 0) {
      throw new UserError("node-exporter.flag", `unknown IPVS backend labels: ${unknown.sort().join(", ")}`, {
        where: { flag: "--collector.ipvs.backend-labels" },
        fix: `There are: ${LABELS.join(", ")}`,
      });
    }
    const out = new FamilySet();
    const totals = readTextOrNoData(paths.procfs, "net/ip_vs_stats").split("\n")[2].trim().split(/\s+/);
    for (const [i, [name, help]] of TOTALS.entries())
      out.counter(`node_ipvs_${name}`, help, Number.parseInt(totals[i], 16));
    const wanted = LABELS.filter((name) => asked.includes(name));
    for (const { labels, weight, active, inactive } of parseBackends(
      readTextOrNoData(paths.procfs, "net/ip_vs"),
      wanted,
    )) {
      out.gauge(
        "node_ipvs_backend_connections_active",
        "The current active connections by local and remote address.",
        active,
        labels,
      );
      out.gauge(
        "node_ipvs_backend_connections_inactive",
        "The current inactive connections by local and remote address.",
        inactive,
        labels,
      );
      out.gauge("node_ipvs_backend_weight", "The current backend weight by local and remote address.", weight, labels);
    }
    return out.families;
  },
};
