import { type Collector, FamilySet, readInteger, readTrimmed } from "../collector.ts";

/** As the configuration file words them, and upstream's numbers for them. */
const MODES: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0 };

export const selinux: Collector = {
  name: "selinux",
  collect({ paths }) {
    const out = new FamilySet();
    const current = readInteger(paths.sysfs, "fs/selinux/enforce");
    const enabled = current !== undefined;
    out.gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false", Number(enabled));
    if (!enabled) return out.families;
    const config = readTrimmed(paths.rootfs, "etc/selinux/config") ?? "";
    const configured = /^SELINUX=(\w+)/m.exec(config)?.[1].toLowerCase() ?? "";
    out.gauge("node_selinux_config_mode", "Configured SELinux enforcement mode", MODES[configured] ?? -1);
    out.gauge("node_selinux_current_mode", "Current SELinux enforcement mode", current);
    return out.families;
  },
};
