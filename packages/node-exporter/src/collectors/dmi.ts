import { type Collector, gauge, list, NoData, readTrimmed } from "../collector.ts";

/** Files of /sys/class/dmi/id; each one that can be read is a label of its own name, but for sys_vendor. */
const FILES = [
  "bios_date", "bios_release", "bios_vendor", "bios_version", "board_asset_tag", "board_name", "board_serial",
  "board_vendor", "board_version", "chassis_asset_tag", "chassis_serial", "chassis_vendor", "chassis_version",
  "product_family", "product_name", "product_serial", "product_sku", "product_uuid", "product_version", "sys_vendor",
]; // biome-ignore format: a list

export const dmi: Collector = {
  name: "dmi",
  collect({ paths }) {
    const folder = `${paths.sysfs}/class/dmi/id`;
    const labels: string[] = [];
    const names = FILES.map((file) => (file === "sys_vendor" ? "system_vendor" : file));
    if (list(folder).length > 0) {
      for (const [i, file] of FILES.entries()) {
        const value = readTrimmed(folder, file);
        if (value !== undefined) labels.push(names[i], value);
      }
    }
    if (labels.length === 0) throw new NoData("no DMI information");
    const help = `A metric with a constant '1' value labeled by ${names.join(", ")} if provided by DMI.`;
    return [gauge("node_dmi_info", help, [{ labels, value: 1 }])];
  },
};
