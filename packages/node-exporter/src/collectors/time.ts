import type { SimpleMetric } from "@pharos/exposition";
import { type Collector, gauge, list, readTrimmed, single } from "../collector.ts";
import { zoneAt } from "../timezone.ts";

const CLOCKSOURCES = "devices/system/clocksource";

export const time: Collector = {
  name: "time",
  collect({ paths }) {
    const now = Date.now();
    const available: SimpleMetric[] = [];
    const current: SimpleMetric[] = [];
    const devices = list(paths.sysfs, CLOCKSOURCES);
    for (const entry of devices) {
      const match = /^clocksource(\d+)$/.exec(entry);
      if (!match) continue;
      const names = readTrimmed(paths.sysfs, CLOCKSOURCES, entry, "available_clocksource") ?? "";
      for (const name of names.split(" ").filter(Boolean))
        available.push({ labels: ["clocksource", name, "device", match[1]], value: 1 });
      const active = readTrimmed(paths.sysfs, CLOCKSOURCES, entry, "current_clocksource");
      if (active) current.push({ labels: ["clocksource", active, "device", match[1]], value: 1 });
    }
    const zone = zoneAt(now / 1000);
    return [
      gauge(
        "node_time_clocksource_available_info",
        "Available clocksources read from '/sys/devices/system/clocksource'.",
        available,
      ),
      gauge(
        "node_time_clocksource_current_info",
        "Current clocksource read from '/sys/devices/system/clocksource'.",
        current,
      ),
      gauge("node_time_seconds", "System time in seconds since epoch (1970).", single(now / 1000)),
      gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.", [
        { labels: ["time_zone", zone.name], value: zone.offset },
      ]),
    ];
  },
};
