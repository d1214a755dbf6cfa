import { machine } from "node:os";
import { type Collector, gauge, readTrimmed } from "../collector.ts";

export const uname: Collector = {
  name: "uname",
  async collect({ paths }) {
    const kernel = async (name: string): Promise<string> => (await readTrimmed(paths.procfs, "sys/kernel", name)) ?? "";
    const labels = [
      "sysname", (await kernel("ostype")) || "Linux", "release", await kernel("osrelease"), "version", await kernel("version"),
      "machine", machine(), "nodename", await kernel("hostname"), "domainname", await kernel("domainname"),
    ]; // biome-ignore format: pairs
    return [
      gauge("node_uname_info", "Labeled system information as provided by the uname system call.", [
        { labels, value: 1 },
      ]),
    ];
  },
};
