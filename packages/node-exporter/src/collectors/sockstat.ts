import { type Collector, FamilySet, NoData, pageBytes, readTrimmed } from "../collector.ts";

export const sockstat: Collector = {
  name: "sockstat",
  collect({ paths }) {
    const files = [
      { v6: false, text: readTrimmed(paths.procfs, "net/sockstat") },
      { v6: true, text: readTrimmed(paths.procfs, "net/sockstat6") },
    ];
    if (files.every(({ text }) => text === undefined)) throw new NoData("no socket statistics");
    const out = new FamilySet();
    for (const { v6, text = "" } of files) {
      for (const line of text.split("\n")) {
        const [protocolColon, ...pairs] = line.trim().split(/\s+/);
        const protocol = protocolColon.slice(0, -1);
        for (let i = 0; i + 1 < pairs.length; i += 2) {
          const [state, value] = [pairs[i], Number(pairs[i + 1])];
          if (protocol === "sockets") {
            if (!v6) out.gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.", value);
            continue;
          }
          const add = (what: string, number: number): void => {
            out.gauge(`node_sockstat_${protocol}_${what}`, `Number of ${protocol} sockets in state ${what}.`, number);
          };
          add(state, value);
          // The kernel counts socket memory in pages.
          if (state === "mem") add("mem_bytes", value * pageBytes());
        }
      }
    }
    return out.families;
  },
};
