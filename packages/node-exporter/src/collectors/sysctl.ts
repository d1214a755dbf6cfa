import { type Collector, cleanName, FamilySet, readText } from "../collector.ts";

/** `fs.file-nr` or, with names for its values, `fs.file-nr:total,current,max`. */
function parseInclude(text: string): { name: string; keys: string[] } {
  const [name, keys = ""] = text.split(":", 2);
  return { name, keys: keys.split(",").filter(Boolean) };
}

function readValues(procfs: string, name: string): string[] {
  const values = readText(procfs, "sys", name.replaceAll(".", "/")).trim().split(/\s+/).filter(Boolean);
  if (values.length === 0) throw new Error(`sysctl ${name} has no values`);
  return values;
}

export const sysctl: Collector = {
  name: "sysctl",
  collect({ paths, flags }) {
    const out = new FamilySet();
    for (const { name, keys } of (flags["collector.sysctl.include"] as string[]).map(parseInclude)) {
      const values = readValues(paths.procfs, name).map(Number);
      const metric = `node_sysctl_${cleanName(name)}`;
      if (values.some(Number.isNaN))
        throw new Error(`sysctl ${name} is not numeric: use --collector.sysctl.include-info`);
      if (keys.length > 0 && keys.length !== values.length) {
        throw new Error(`sysctl ${name} has ${values.length} values, but ${keys.length} names are given for them`);
      }
      for (const [i, value] of values.entries()) {
        if (keys.length > 0) out.untyped(`${metric}_${cleanName(keys[i])}`, `sysctl ${name}, field ${i}`, value);
        else out.untyped(metric, `sysctl ${name}`, value, values.length === 1 ? [] : ["index", String(i)]);
      }
    }
    for (const { name } of (flags["collector.sysctl.include-info"] as string[]).map(parseInclude)) {
      for (const [i, value] of readValues(paths.procfs, name).entries())
        out.gauge("node_sysctl_info", "sysctl info", 1, ["name", name, "value", value, "index", String(i)]);
    }
    return out.families;
  },
};
