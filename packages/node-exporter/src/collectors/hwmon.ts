import {
  type Collector,
  type CollectorContext,
  FamilySet,
  ignored,
  list,
  listOrNoData,
  readTrimmed,
} from "../collector.ts";
import { readDevice } from "../device-file.ts";
import { basename, dirname, realpathSync } from "../system.ts";

const SENSOR_TYPES = new Set([
  "vrm", "beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity",
  "intrusion", "freq",
]); // biome-ignore format: a list

function cleanMetricName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, "_")
    .replace(/^_+|_+$/g, "");
}

/** `temp1_max` is property `max` of sensor `temp1`; a property may be missing. */
function splitFileName(name: string): { type: string; sensor: string; property: string } | undefined {
  const match = /^([^0-9]+)([0-9]*)(?:_(.+))?$/.exec(name);
  return match ? { type: match[1], sensor: `${match[1]}${Number(match[2])}`, property: match[3] ?? "" } : undefined;
}

/** Where the device hangs is a stable name; the driver's name may be shared, and hwmonN changes from boot to boot. */
function chipName(folder: string): string {
  try {
    const device = realpathSync(`${folder}/device`);
    const [bus, name] = [cleanMetricName(basename(dirname(device))), cleanMetricName(basename(device))];
    if (name !== "") return bus === "" ? name : `${bus}_${name}`;
  } catch {
    // No device: the driver's name has to do.
  }
  const name = cleanMetricName(readTrimmed(folder, "name") ?? "");
  return name === "" ? cleanMetricName(basename(realpathSync(folder))) : name;
}

type Sensors = Map<string, { type: string; values: Map<string, string> }>;

async function readSensors(folder: string, sensors: Sensors, signal: AbortSignal): Promise<void> {
  for (const file of list(folder)) {
    const parts = splitFileName(file);
    if (!parts || !SENSOR_TYPES.has(parts.type)) continue;
    const value = await readDevice(`${folder}/${file}`, signal);
    if (value === undefined) continue;
    let sensor = sensors.get(parts.sensor);
    if (!sensor) {
      sensor = { type: parts.type, values: new Map() };
      sensors.set(parts.sensor, sensor);
    }
    sensor.values.set(parts.property, value);
  }
}

interface Rule {
  type: string;
  /** Properties it holds for; absent: all. */
  properties?: readonly string[];
  suffix: string;
  help: (property: string) => string;
  scale: (value: number) => number;
  kind?: "counter";
}

const milli = (value: number): number => value * 0.001;
const micro = (value: number): number => value / 1e6;
const volts = { suffix: "_volts", help: (p: string) => `Hardware monitor for voltage (${p})`, scale: milli };
const INTERVALS = ["average_interval", "average_interval_min", "average_interval_max"];

/** Units by type of sensor and property; the first that fits. */
const RULES: readonly Rule[] = [
  { type: "in", ...volts },
  { type: "cpu", ...volts },
  { type: "curr", suffix: "_amps", help: (p) => `Hardware monitor for current (${p})`, scale: milli },
  {
    type: "energy",
    suffix: "_joule_total",
    help: (p) => `Hardware monitor for joules used so far (${p})`,
    scale: micro,
    kind: "counter",
  },
  {
    type: "power",
    properties: ["accuracy"],
    suffix: "",
    help: () => "Hardware monitor power meter accuracy, as a ratio",
    scale: micro,
  },
  {
    type: "power",
    properties: INTERVALS,
    suffix: "_seconds",
    help: (p) => `Hardware monitor power usage update interval (${p})`,
    scale: milli,
  },
  { type: "power", suffix: "_watt", help: (p) => `Hardware monitor for power usage in watts (${p})`, scale: micro },
  {
    type: "humidity",
    suffix: "",
    help: (p) =>
      `Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) (${p})`,
    scale: micro,
  },
  {
    type: "fan",
    properties: ["input", "min", "max", "target"],
    suffix: "_rpm",
    help: (p) => `Hardware monitor for fan revolutions per minute (${p})`,
    scale: (value) => value,
  },
];

/** Sensors that are one value of the whole chip; true when this is one. */
function addChipValue(out: FamilySet, type: string, text: string, labels: string[]): boolean {
  const value = text === "" ? Number.NaN : Number(text);
  const known = Number.isNaN(value) ? undefined : value;
  if (type === "beep_enable") {
    out.gauge("node_hwmon_beep_enabled", "Hardware beep enabled", Number(text === "1"), labels);
  } else if (type === "vrm") {
    out.gauge("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", known, labels);
  } else if (type === "update_interval") {
    const seconds = known === undefined ? undefined : milli(known);
    out.gauge("node_hwmon_update_interval_seconds", "Hardware monitor update interval", seconds, labels);
  } else return false;
  return true;
}

function addSensor(
  out: FamilySet,
  chip: string,
  sensor: string,
  type: string,
  values: ReadonlyMap<string, string>,
): void {
  const labels = ["chip", chip, "sensor", sensor];
  const label = values.get("label");
  if (label !== undefined) {
    out.gauge("node_hwmon_sensor_label", "Label for given chip and sensor", 1, [...labels, "label", label]);
  }
  if (addChipValue(out, type, values.get("") ?? "", labels)) return;
  for (const [property, text] of values) {
    const value = Number(text);
    if (property === "label" || text === "" || Number.isNaN(value)) continue;
    let name = `node_hwmon_${type}`;
    // The input is the value itself, unless there is one without a property as well.
    if (property !== "input") name += property === "" ? "" : `_${cleanMetricName(property)}`;
    else if (values.has("")) name += "_input";
    if (property === "fault" || property === "alarm") {
      out.gauge(name, `Hardware sensor ${property} status (${type})`, value, labels);
    } else if (property === "beep") {
      out.gauge(`${name}_enabled`, "Hardware monitor sensor has beeping enabled", value, labels);
    } else if (type === "temp" && property !== "type") {
      const help = `Hardware monitor for temperature (${property || "input"})`;
      out.gauge(`${name}_celsius`, help, milli(value), labels);
    } else if (type === "freq" && property === "input") {
      if (label === undefined) continue;
      const named = ["chip", chip, "sensor", cleanMetricName(label)];
      out.gauge(`${name}_freq_mhz`, "Hardware monitor for GPU frequency in MHz", micro(value), named);
    } else {
      const rule = RULES.find(
        (entry) => entry.type === type && (!entry.properties || entry.properties.includes(property)),
      );
      if (rule) out.add(rule.kind ?? "gauge", `${name}${rule.suffix}`, rule.help(property), rule.scale(value), labels);
      else out.gauge(name, `Hardware monitor ${type} element ${property}`, value, labels);
    }
  }
}

async function addChip(
  out: FamilySet,
  folder: string,
  chip: string,
  { patterns }: CollectorContext,
  signal: AbortSignal,
): Promise<void> {
  const sensors: Sensors = new Map();
  await readSensors(folder, sensors, signal);
  await readSensors(`${folder}/device`, sensors, signal);
  const name = cleanMetricName(readTrimmed(folder, "name") ?? "");
  if (name !== "") {
    const labels = ["chip", chip, "chip_name", name];
    out.gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names", 1, labels);
  }
  const include = patterns["collector.hwmon.sensor-include"];
  const exclude = patterns["collector.hwmon.sensor-exclude"];
  for (const [sensor, { type, values }] of sensors) {
    if (!ignored(`${chip};${sensor}`, include, exclude)) addSensor(out, chip, sensor, type, values);
  }
}

export const hwmon: Collector = {
  name: "hwmon",
  async collect(context, signal) {
    const root = `${context.paths.sysfs}/class/hwmon`;
    const chips: { folder: string; base: string; file: string }[] = [];
    for (const entry of listOrNoData(root)) {
      const folder = `${root}/${entry}`;
      if (list(folder).length === 0) continue;
      chips.push({ folder, base: chipName(folder), file: readTrimmed(folder, "name") ?? "" });
    }
    const out = new FamilySet();
    for (const { folder, base, file } of chips) {
      // Several chips of one device are told apart by their driver's name, or by hwmonN where that is the same too.
      const twins = chips.filter((other) => other.base === base);
      const sameName = twins.filter((other) => other.file === file).length > 1;
      const suffix = (sameName ? "" : cleanMetricName(file)) || cleanMetricName(basename(folder));
      const chip = twins.length > 1 ? `${base}_${suffix}` : base;
      const include = context.patterns["collector.hwmon.chip-include"];
      const exclude = context.patterns["collector.hwmon.chip-exclude"];
      if (!ignored(chip, include, exclude)) await addChip(out, folder, chip, context, signal);
    }
    return out.families;
  },
};
