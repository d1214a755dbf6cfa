import { type Collector, FamilySet, list, readInteger, readTrimmed } from "../collector.ts";
import { readDeviceInteger } from "../device-file.ts";

export const thermalZone: Collector = {
  name: "thermal_zone",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/class/thermal`;
    const out = new FamilySet();
    for (const entry of list(root)) {
      const [, kind, number] = /^(thermal_zone|cooling_device)(\d+)$/.exec(entry) ?? [];
      const type = readTrimmed(root, entry, "type") ?? "";
      if (kind === "thermal_zone") {
        const milli = await readDeviceInteger(`${root}/${entry}/temp`, signal);
        const degrees = milli === undefined ? undefined : milli / 1000;
        out.gauge("node_thermal_zone_temp", "Zone temperature in Celsius", degrees, ["zone", number, "type", type]);
      } else if (kind === "cooling_device") {
        const labels = ["name", number, "type", type];
        const current = await readDeviceInteger(`${root}/${entry}/cur_state`, signal);
        const max = readInteger(root, entry, "max_state");
        out.gauge("node_cooling_device_cur_state", "Current throttle state of the cooling device", current, labels);
        out.gauge("node_cooling_device_max_state", "Maximum throttle state of the cooling device", max, labels);
      }
    }
    return out.families;
  },
};
