import { type Collector, readText } from "../collector.ts";

export const vmstat: Collector = {
  name: "vmstat",
  flags: {
    "collector.vmstat.fields": {
      type: "string",
      default: "^(oom_kill|pgpg|pswp|pg.*fault).*",
      pattern: true,
      help: "Regexp of fields to return for vmstat collector.",
    },
  },
  collect({ paths, patterns }) {
    const fields = patterns["collector.vmstat.fields"];
    const families = [];
    for (const line of readText(paths.procfs, "vmstat").split("\n")) {
      const space = line.indexOf(" ");
      const key = line.slice(0, space);
      if (space < 0 || !fields?.matches(key)) continue;
      families.push({
        name: `node_vmstat_${key}`,
        help: `/proc/vmstat information field ${key}.`,
        type: "unknown" as const,
        metrics: [{ labels: [], value: Number(line.slice(space + 1)) }],
      });
    }
    return families;
  },
};
