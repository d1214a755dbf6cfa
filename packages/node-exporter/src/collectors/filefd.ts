import { type Collector, gauge, readText, single } from "../collector.ts";

export const filefd: Collector = {
  name: "filefd",
  collect({ paths }) {
    const [allocated, , maximum] = readText(paths.procfs, "sys/fs/file-nr").trim().split(/\s+/).map(Number);
    return [
      gauge("node_filefd_allocated", "File descriptor statistics: allocated.", single(allocated)),
      gauge("node_filefd_maximum", "File descriptor statistics: maximum.", single(maximum)),
    ];
  },
};
