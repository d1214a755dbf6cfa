import { type Collector, gauge, NoData, readTrimmed } from "../collector.ts";

export const udpQueues: Collector = {
  name: "udp_queues",
  collect({ paths }) {
    const metrics = [];
    for (const [ip, file] of [
      ["v4", "net/udp"],
      ["v6", "net/udp6"],
    ]) {
      const text = readTrimmed(paths.procfs, file);
      if (text === undefined) continue;
      let tx = 0;
      let rx = 0;
      for (const line of text.split("\n").slice(1)) {
        const [sent, received] = (line.trim().split(/\s+/)[4] ?? "0:0").split(":");
        tx += Number.parseInt(sent, 16);
        rx += Number.parseInt(received, 16);
      }
      metrics.push({ labels: ["queue", "tx", "ip", ip], value: tx }, { labels: ["queue", "rx", "ip", ip], value: rx });
    }
    if (metrics.length === 0) throw new NoData("no UDP sockets files");
    return [gauge("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.", metrics)];
  },
};
