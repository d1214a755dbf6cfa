/** Upstream's flags, as far as the collectors here have them. */
import type { FlagSpecs } from "@pharos/kit";
import { compileRe2, UserError } from "@pharos/model";
import type { RE2JS } from "re2js";
import { COLLECTORS } from "./collectors.ts";

/** Flags that are patterns, with upstream's defaults ("" is none). */
const PATTERNS: Record<string, string> = {
  "collector.diskstats.device-exclude": "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
  "collector.diskstats.device-include": "",
  "collector.filesystem.mount-points-exclude":
    "^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
  "collector.filesystem.mount-points-include": "",
  "collector.filesystem.fs-types-exclude":
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$",
  "collector.filesystem.fs-types-include": "",
  "collector.netdev.device-exclude": "",
  "collector.netdev.device-include": "",
  "collector.vmstat.fields": "^(oom_kill|pgpg|pswp|pg.*fault).*",
};

const collectorFlags: Record<string, { type: "boolean"; default: string; help: string }> = Object.fromEntries(
  COLLECTORS.map(({ name }) => [
    `collector.${name}`,
    { type: "boolean", default: "true", help: `Enable the ${name} collector.` },
  ]),
);
const patternFlags: Record<string, { type: "string"; default: string; help: string }> = Object.fromEntries(
  Object.entries(PATTERNS).map(([name, value]) => [
    name,
    { type: "string", default: value, help: `Regexp (${name.split("-").at(-1)}).` },
  ]),
);

export const nodeExporterFlags = {
  "path.procfs": { type: "string", default: "/proc", help: "procfs mountpoint." },
  "path.sysfs": { type: "string", default: "/sys", help: "sysfs mountpoint." },
  "path.rootfs": { type: "string", default: "/", help: "rootfs mountpoint." },
  "path.udev.data": { type: "string", default: "/run/udev/data", help: "udev data path." },
  "web.telemetry-path": { type: "string", default: "/metrics", help: "Path under which to expose metrics." },
  ...collectorFlags,
  ...patternFlags,
} as const satisfies FlagSpecs;

export interface CollectionOptions {
  paths: { procfs: string; sysfs: string; rootfs: string; udevData: string };
  telemetryPath: string;
  /** Names of the collectors that run. */
  enabled: ReadonlySet<string>;
  patterns: Readonly<Record<string, RE2JS | undefined>>;
}

/** From flag values to options. A UserError names a flag whose pattern is not RE2, or include and exclude given together. */
export function nodeExporterOptions(values: Readonly<Record<string, unknown>> = {}): CollectionOptions {
  const text = (name: string): string => String(values[name] ?? nodeExporterFlags[name as "path.procfs"].default);
  const patterns: Record<string, RE2JS | undefined> = {};
  for (const name of Object.keys(PATTERNS)) {
    const pattern = text(name);
    try {
      patterns[name] = pattern === "" ? undefined : compileRe2(pattern);
    } catch (error) {
      if (error instanceof UserError)
        throw new UserError("node-exporter.flag", error.message, { where: { flag: `--${name}` }, cause: error });
      throw error;
    }
  }
  for (const name of Object.keys(PATTERNS).filter((flag) => flag.endsWith("-include"))) {
    if (patterns[name]) patterns[name.replace(/include$/, "exclude")] = undefined;
  }
  return {
    paths: {
      procfs: text("path.procfs"),
      sysfs: text("path.sysfs"),
      rootfs: text("path.rootfs"),
      udevData: text("path.udev.data"),
    },
    telemetryPath: text("web.telemetry-path"),
    enabled: new Set(COLLECTORS.map(({ name }) => name).filter((name) => values[`collector.${name}`] !== false)),
    patterns,
  };
}
