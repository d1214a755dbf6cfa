import { type Collector, FamilySet, readText } from "../collector.ts";

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
    const out = new FamilySet();
    for (const line of readText(paths.procfs, "vmstat").split("\n")) {
      const space = line.indexOf(" ");
      const key = line.slice(0, space);
      if (space < 0 || !fields?.matches(key)) continue;
      const value = Number(line.slice(space + 1));
      out.untyped(`node_vmstat_${key}`, `/proc/vmstat information field ${key}.`, value);
    }
    return out.families;
  },
};
