import { type Collector, FamilySet, ignored, listOrNoData } from "../collector.ts";
import { readDevice, readDeviceInteger } from "../device-file.ts";

/** Files whose metric has another name. */
const RENAMED: Readonly<Record<string, string>> = {
  cycle_count: "cyclecount",
  time_to_empty_now: "time_to_empty_seconds",
  time_to_full_now: "time_to_full_seconds",
  current_now: "current_ampere",
  energy_now: "energy_watthour",
  voltage_now: "voltage_volt",
  charge_now: "charge_ampere",
  power_now: "power_watt",
  temp: "temp_celsius",
};
/** Plain numbers, micro units, and tenths of a degree. */
const PLAIN = [
  "authentic", "calibrate", "capacity", "capacity_alert_max", "capacity_alert_min", "cycle_count", "online", "present",
  "time_to_empty_now", "time_to_full_now",
]; // biome-ignore format: a list
const MICRO = [
  "current_boot", "current_max", "current_now", "energy_empty", "energy_empty_design", "energy_full",
  "energy_full_design", "energy_now", "voltage_boot", "voltage_max", "voltage_max_design", "voltage_min",
  "voltage_min_design", "voltage_now", "voltage_ocv", "charge_control_limit", "charge_control_limit_max",
  "charge_counter", "charge_empty", "charge_empty_design", "charge_full", "charge_full_design", "charge_now",
  "charge_term_current", "constant_charge_current", "constant_charge_current_max", "constant_charge_voltage",
  "constant_charge_voltage_max", "precharge_current", "input_current_limit", "power_now",
]; // biome-ignore format: a list
const TENTHS = [
  "temp", "temp_alert_max", "temp_alert_min", "temp_ambient", "temp_ambient_max", "temp_ambient_min", "temp_max",
  "temp_min",
]; // biome-ignore format: a list
const TEXTS = [
  "capacity_level", "charge_type", "health", "manufacturer", "model_name", "serial_number", "status", "technology",
  "type", "usb_type", "scope",
]; // biome-ignore format: a list

const NUMBERS: readonly (readonly [file: string, name: string, divisor: number])[] = [
  ...PLAIN.map((file) => [file, RENAMED[file] ?? file, 1] as const),
  ...MICRO.map((file) => [file, RENAMED[file] ?? file, 1e6] as const),
  ...TENTHS.map((file) => [file, RENAMED[file] ?? `${file}_celsius`, 10] as const),
];

export const powersupplyclass: Collector = {
  name: "powersupplyclass",
  flags: {
    "collector.powersupply.ignored-supplies": {
      type: "string",
      default: "^$",
      pattern: true,
      help: "Regexp of power supplies to ignore for powersupplyclass collector.",
    },
  },
  async collect({ paths, patterns }, signal) {
    const root = `${paths.sysfs}/class/power_supply`;
    const out = new FamilySet();
    for (const supply of listOrNoData(root)) {
      if (ignored(supply, undefined, patterns["collector.powersupply.ignored-supplies"])) continue;
      for (const [file, name, divisor] of NUMBERS) {
        const value = await readDeviceInteger(`${root}/${supply}/${file}`, signal);
        const help = `${name} value of /sys/class/power_supply/<power_supply>.`;
        out.gauge(`node_power_supply_${name}`, help, value === undefined ? undefined : value / divisor, [
          "power_supply",
          supply,
        ]);
      }
      const labels = ["power_supply", supply];
      for (const file of TEXTS) {
        const text = await readDevice(`${root}/${supply}/${file}`, signal);
        if (text) labels.push(file, text);
      }
      out.gauge("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.", 1, labels);
    }
    return out.families;
  },
};
