import { type Collector, FamilySet, NoData, readTrimmed } from "../collector.ts";

const FILES = ["etc/os-release", "usr/lib/os-release"];
const LABELS = [
  "build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant", "variant_id", "version",
  "version_codename", "version_id",
]; // biome-ignore format: a list

/** Assignments as a shell would take them: values bare or in either kind of quotes, backslashes inside double ones. */
function parseAssignments(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Z_0-9]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*?))\s*$/.exec(line);
    if (match) out.set(match[1], match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? match[4]);
  }
  return out;
}

export const os: Collector = {
  name: "os",
  collect({ paths }) {
    let text: string | undefined;
    for (const file of FILES) text ??= readTrimmed(paths.rootfs, file);
    if (text === undefined) throw new NoData("no os-release file");
    const release = parseAssignments(text);
    const value = (label: string): string => release.get(label.toUpperCase()) ?? "";
    const run = (labels: readonly string[]): string[] => labels.flatMap((label) => [label, value(label)]);
    const out = new FamilySet();
    out.gauge("node_os_info", `A metric with a constant '1' value labeled by ${LABELS.join(", ")}.`, 1, run(LABELS));
    const version = /^\d+(\.\d+)?/.exec(value("version_id"))?.[0];
    if (version !== undefined && Number(version) > 0) {
      const help = "Metric containing the major.minor part of the OS version.";
      out.gauge("node_os_version", help, Number(version), run(["id", "id_like", "name"]));
    }
    const end = Date.parse(value("support_end"));
    if (!Number.isNaN(end)) {
      const help = "Metric containing the end-of-life date timestamp of the OS.";
      out.gauge("node_os_support_end_timestamp_seconds", help, end / 1000);
    }
    return out.families;
  },
};
