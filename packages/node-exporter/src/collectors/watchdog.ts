import { type Collector, FamilySet, listOrNoData, readTrimmed } from "../collector.ts";
import { readDeviceInteger } from "../device-file.ts";

/** Files that hold a number, and the suffix of their unit. */
const NUMBERS: readonly (readonly [file: string, suffix: string])[] = [
  ["access_cs0", ""],
  ["bootstatus", ""],
  ["fw_version", ""],
  ["nowayout", ""],
  ["pretimeout", "_seconds"],
  ["timeleft", "_seconds"],
  ["timeout", "_seconds"],
];
const TEXTS = ["options", "identity", "pretimeout_governor", "state", "status"];

export const watchdog: Collector = {
  name: "watchdog",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/class/watchdog`;
    const out = new FamilySet();
    for (const name of listOrNoData(root)) {
      for (const [file, suffix] of NUMBERS) {
        const help = `Value of /sys/class/watchdog/<watchdog>/${file}`;
        const value = await readDeviceInteger(`${root}/${name}/${file}`, signal);
        out.gauge(`node_watchdog_${file}${suffix}`, help, value, ["name", name]);
      }
      const labels = ["name", name];
      for (const file of TEXTS) labels.push(file, readTrimmed(root, name, file) ?? "");
      out.gauge("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>", 1, labels);
    }
    return out.families;
  },
};
