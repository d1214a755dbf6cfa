import { type Collector, FamilySet, listOrNoData, readTextIfThere } from "../collector.ts";
import { type PciNames, readPciNames } from "../pci-names.ts";
import { basename, dirname, readlinkSync } from "../system.ts";

/** `0000:04:00.0` as labels; undefined when it is no location. */
function parseLocation(text: string): string[] | undefined {
  const match = /^([0-9a-f]+):([0-9a-f]+):([0-9a-f]+)\.([0-9a-f]+)$/i.exec(text);
  // Printed with four, two, two digits and one.
  return match?.slice(1).map((part, i) => Number.parseInt(part, 16).toString(16).padStart([4, 2, 2, 1][i], "0"));
}

/** Files that every device has, labels of them, and how many digits they have. */
const IDS: readonly (readonly [file: string, label: string, digits: number])[] = [
  ["class", "class_id", 6],
  ["vendor", "vendor_id", 4],
  ["device", "device_id", 4],
  ["subsystem_vendor", "subsystem_vendor_id", 4],
  ["subsystem_device", "subsystem_device_id", 4],
  ["revision", "revision", 2],
];

const LINKS: readonly (readonly [file: string, name: string, help: string])[] = [
  ["max_link_speed", "max_link_transfers_per_second", "Value of maximum link's transfers per second (T/s)"],
  ["max_link_width", "max_link_width", "Value of maximum link's width (number of lanes)"],
  ["current_link_speed", "current_link_transfers_per_second", "Value of current link's transfers per second (T/s)"],
  ["current_link_width", "current_link_width", "Value of current link's width (number of lanes)"],
];

/** Files that are told as 0 where they are missing; `yes` marks those that are 0 or 1. */
const NUMBERS: readonly (readonly [file: string, name: string, help: string, yes?: true])[] = [
  ["d3cold_allowed", "d3cold_allowed", "Whether the PCIe device supports D3cold power state (0/1).", true],
  [
    "sriov_drivers_autoprobe",
    "sriov_drivers_autoprobe",
    "Whether SR-IOV drivers autoprobe is enabled for the device (0/1).",
    true,
  ],
  ["sriov_numvfs", "sriov_numvfs", "Number of Virtual Functions (VFs) currently enabled for SR-IOV."],
  ["sriov_totalvfs", "sriov_totalvfs", "Total number of Virtual Functions (VFs) supported by the device."],
  ["sriov_vf_total_msix", "sriov_vf_total_msix", "Total number of MSI-X vectors for Virtual Functions."],
];

const POWER_STATES = ["D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"];
const GIGA = 1e9;

/** `8.0 GT/s PCIe` in transfers a second, a number of lanes as it is; -1 where the kernel does not know. */
function parseLink(text: string | undefined, path: string): number {
  if (text === undefined || text === "" || text.startsWith("Unknown")) return -1;
  const match = /^([\d.]+)( GT\/s PCIe)?$/.exec(text);
  if (!match) throw new Error(`not a speed or width of a link in ${path}: ${JSON.stringify(text)}`);
  return Number(match[1]) * (match[2] ? GIGA : 1);
}

function nameLabels(names: PciNames, ids: ReadonlyMap<string, number>): string[] {
  const id = (file: string): number => ids.get(file) ?? 0;
  return [
    "vendor_name",
    names.vendor(id("vendor")),
    "device_name",
    names.device(id("vendor"), id("device")),
    "subsystem_vendor_name",
    names.vendor(id("subsystem_vendor")),
    "subsystem_device_name",
    names.subsystem(id("vendor"), id("device"), id("subsystem_vendor"), id("subsystem_device")),
    "class_name",
    names.class(id("class")),
  ];
}

function addDevice(out: FamilySet, folder: string, names: PciNames | undefined): void {
  const target = readlinkSync(folder);
  const location = parseLocation(basename(target));
  const parentName = basename(dirname(target));
  // Above the outermost bridge is the bus itself, `pci0000:00`.
  const parent = parentName.startsWith("pci") ? ["*", "*", "*", "*"] : parseLocation(parentName);
  if (!location || !parent) throw new Error(`not the location of a device: ${target}`);
  const place = (of: readonly string[], prefix: string): string[] =>
    ["segment", "bus", "device", "function"].flatMap((label, i) => [`${prefix}${label}`, of[i]]);
  const labels = place(location, "");
  const read = (file: string): string | undefined => readTextIfThere(folder, file)?.trim();
  const ids = new Map<string, number>();
  const info = [...labels, ...place(parent, "parent_")];
  for (const [file, label, digits] of IDS) {
    const text = read(file);
    if (text === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new Error(`no number in ${folder}/${file}`);
    ids.set(file, Number(text));
    info.push(label, `0x${Number(text).toString(16).padStart(digits, "0")}`);
  }
  if (names) info.push(...nameLabels(names, ids));
  const gauge = (name: string, help: string, value: number, run = labels): void =>
    out.gauge(`node_pcidevice_${name}`, help, value, run);
  gauge("info", "Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.", 1, info);
  for (const [file, name, help] of LINKS) gauge(name, help, parseLink(read(file), `${folder}/${file}`));
  for (const [file, name, help, yes] of NUMBERS) {
    const value = Number(read(file) || 0);
    if (Number.isNaN(value)) throw new Error(`no number in ${folder}/${file}`);
    gauge(name, help, yes ? Number(value !== 0) : value);
  }
  const power = read("power_state");
  if (power) {
    const help = "PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.";
    for (const state of POWER_STATES) gauge("power_state", help, Number(state === power), [...labels, "state", state]);
  }
  const node = Number(read("numa_node") ?? -1);
  const help = "NUMA node number for the PCI device. -1 indicates unknown or not available.";
  if (node !== -1 && !Number.isNaN(node)) gauge("numa_node", help, node);
}

export const pcidevice: Collector = {
  name: "pcidevice",
  collect({ paths, flags }) {
    const root = `${paths.sysfs}/bus/pci/devices`;
    const names =
      flags["collector.pcidevice.names"] === true
        ? readPciNames(String(flags["collector.pcidevice.idsfile"] ?? ""))
        : undefined;
    const out = new FamilySet();
    for (const device of listOrNoData(root)) addDevice(out, `${root}/${device}`, names);
    return out.families;
  },
};
