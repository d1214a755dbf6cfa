import { type Collector, gauge, readTrimmed } from "../collector.ts";
import { machine } from "../system.ts";

export const uname: Collector = {
  name: "uname",
  collect({ paths }) {
    const kernel = (name: string): string => readTrimmed(paths.procfs, "sys/kernel", name) ?? "";
    const labels = [
      "sysname", (kernel("ostype")) || "Linux", "release", kernel("osrelease"), "version", kernel("version"),
      "machine", machine(), "nodename", kernel("hostname"), "domainname", kernel("domainname"),
    ]; // biome-ignore format: pairs
    return [
      gauge("node_uname_info", "Labeled system information as provided by the uname system call.", [
        { labels, value: 1 },
      ]),
    ];
  },
};
