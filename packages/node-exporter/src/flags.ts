/** Upstream's flags, as far as the collectors here have them; each collector names its own. */
import type { FlagSpec } from "@pharos/kit";
import { UserError } from "@pharos/model/error";
import type { Collector, CollectorFlag, Paths } from "./collector.ts";
import { COLLECTORS } from "./collectors.ts";
import { ownPattern, type Pattern, userPattern } from "./pattern.ts";

const COLLECTOR_FLAGS: Readonly<Record<string, CollectorFlag>> = Object.assign(
  {},
  ...COLLECTORS.map(({ name, defaultOff, flags }) => ({
    [`collector.${name}`]: {
      type: "boolean",
      optional: true,
      help: `Enable the ${name} collector (default: ${defaultOff ? "disabled" : "enabled"}).`,
    },
    ...flags,
  })),
);

const PATTERNS = Object.keys(COLLECTOR_FLAGS).filter((name) => COLLECTOR_FLAGS[name].pattern);

const GENERAL_FLAGS = {
  "path.procfs": { type: "string", default: "/proc", help: "procfs mountpoint." },
  "path.sysfs": { type: "string", default: "/sys", help: "sysfs mountpoint." },
  "path.rootfs": { type: "string", default: "/", help: "rootfs mountpoint." },
  "path.udev.data": { type: "string", default: "/run/udev/data", help: "udev data path." },
  "web.listen-address": {
    type: "string",
    multiple: true,
    default: ":9100",
    help: "Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. Examples: `:9100` or `[::1]:9100`.",
  },
  "web.systemd-socket": {
    type: "boolean",
    default: "false",
    help: "Use systemd socket activation listeners instead of port listeners (Linux only).",
  },
  "web.config.file": {
    type: "string",
    default: "",
    help: "Path to configuration file that can enable TLS or authentication.",
  },
  "runtime.gomaxprocs": {
    type: "number",
    default: "1",
    help: "Taken for the sake of command lines that have it: collectors run on one processor anyway.",
  },
  "web.telemetry-path": { type: "string", default: "/metrics", help: "Path under which to expose metrics." },
  "web.disable-exporter-metrics": {
    type: "boolean",
    default: "false",
    help: "Exclude metrics about the exporter itself (promhttp_*, process_*, nodejs_*).",
  },
  "web.max-requests": {
    type: "number",
    default: "40",
    help: "Maximum number of parallel scrape requests. Use 0 to disable.",
  },
  "collector.disable-defaults": {
    type: "boolean",
    default: "false",
    help: "Set all collectors to disabled by default.",
  },
} as const satisfies Readonly<Record<string, FlagSpec>>;

/** Names that flags had before, which upstream takes until its next major release. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  "collector.diskstats.ignored-devices": "collector.diskstats.device-exclude",
  "collector.filesystem.ignored-mount-points": "collector.filesystem.mount-points-exclude",
  "collector.filesystem.ignored-fs-types": "collector.filesystem.fs-types-exclude",
  "collector.netdev.device-whitelist": "collector.netdev.device-include",
  "collector.netdev.device-blacklist": "collector.netdev.device-exclude",
  "collector.qdisk.device-include": "collector.qdisc.device-include",
  "collector.qdisk.device-exclude": "collector.qdisc.device-exclude",
  "collector.systemd.unit-whitelist": "collector.systemd.unit-include",
  "collector.systemd.unit-blacklist": "collector.systemd.unit-exclude",
};

export const nodeExporterFlags: Readonly<Record<string, FlagSpec>> = {
  ...GENERAL_FLAGS,
  ...COLLECTOR_FLAGS,
  ...Object.fromEntries(
    Object.entries(FORMER_NAMES).map(([former, name]) => [
      former,
      { type: "string", help: `DEPRECATED: Use --${name}`, hidden: true } satisfies FlagSpec,
    ]),
  ),
};

export interface CollectionOptions {
  paths: Paths;
  /** Where to listen. */
  addresses: readonly string[];
  systemdSocket: boolean;
  /** "": plain HTTP, everybody welcome. */
  webConfigFile: string;
  telemetryPath: string;
  /** Names of the collectors that run. */
  enabled: ReadonlySet<string>;
  patterns: Readonly<Record<string, Pattern | undefined>>;
  flags: Readonly<Record<string, unknown>>;
  exporterMetrics: boolean;
  /** Scrapes answered at the same time; 0: any number. */
  maxRequests: number;
}

function defaultOf(name: string): unknown {
  const { type, default: text, multiple } = nodeExporterFlags[name];
  if (multiple) return text === undefined ? [] : [text];
  if (text === undefined) return undefined;
  switch (type) {
    case "boolean":
      return text === "true";
    case "string":
      return text;
    default:
      return Number(text);
  }
}

/**
 * From flag values, as `parseFlags` gives them, to options; an absent one has its default. A UserError names a flag whose
 * pattern is not RE2, or one that was given together with its opposite.
 */
export async function nodeExporterOptions(values: Readonly<Record<string, unknown>> = {}): Promise<CollectionOptions> {
  const flags: Record<string, unknown> = {};
  for (const name of Object.keys(nodeExporterFlags)) flags[name] = values[name] ?? defaultOf(name);
  for (const [former, name] of Object.entries(FORMER_NAMES)) {
    if (!flags[former]) continue;
    if (flags[name] !== defaultOf(name)) {
      throw new UserError("node-exporter.flag", `--${former} and --${name} are mutually exclusive`, {
        where: { flag: `--${former}` },
        fix: `Give --${name} alone`,
      });
    }
    flags[name] = flags[former];
  }
  const patterns: Record<string, Pattern | undefined> = {};
  for (const name of PATTERNS) {
    const source = String(flags[name] ?? "");
    const whole = COLLECTOR_FLAGS[name].anchored ? `^(?:${source})$` : source;
    if (source === "") patterns[name] = undefined;
    else patterns[name] = source === defaultOf(name) ? ownPattern(whole) : await userPattern(name, whole);
  }
  for (const [name, { opposite }] of Object.entries(COLLECTOR_FLAGS)) {
    if (opposite === undefined || flags[name] === "" || flags[opposite] === "") continue;
    if (flags[opposite] !== defaultOf(opposite)) {
      throw new UserError("node-exporter.flag", `--${name} and --${opposite} are mutually exclusive`, {
        where: { flag: `--${name}` },
        fix: "Give one of them",
      });
    }
    // The default exclusion gives way to an inclusion somebody asked for.
    patterns[opposite] = undefined;
  }
  const byDefault = flags["collector.disable-defaults"] !== true;
  const isEnabled = ({ name, defaultOff }: Collector): boolean =>
    (flags[`collector.${name}`] ?? (byDefault && !defaultOff)) === true;
  const enabled = new Set(COLLECTORS.filter(isEnabled).map(({ name }) => name));
  // Some collectors tell less, or more, when another one runs.
  for (const { name } of COLLECTORS) flags[`collector.${name}`] = enabled.has(name);
  return {
    paths: {
      procfs: String(flags["path.procfs"]),
      sysfs: String(flags["path.sysfs"]),
      rootfs: String(flags["path.rootfs"]),
      udevData: String(flags["path.udev.data"]),
    },
    addresses: flags["web.listen-address"] as string[],
    systemdSocket: flags["web.systemd-socket"] === true,
    webConfigFile: String(flags["web.config.file"]),
    telemetryPath: String(flags["web.telemetry-path"]),
    enabled,
    patterns,
    flags,
    exporterMetrics: flags["web.disable-exporter-metrics"] !== true,
    maxRequests: Number(flags["web.max-requests"]),
  };
}
