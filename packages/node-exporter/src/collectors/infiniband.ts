import { type Collector, FamilySet, ignored, list, listOrNoData, parseInteger } from "../collector.ts";
import { readDevice } from "../device-file.ts";
import { COUNTERS } from "./infiniband-counters.ts";

/** Rates are printed in 10^9 bits a second. */
const GIGABIT_BYTES = 125_000_000;

/** `4: ACTIVE` */
function parseState(text: string | undefined, path: string): number {
  const state = /^(\d+):[^:]*$/.exec(text ?? "")?.[1];
  if (state === undefined) throw new Error(`not a state of a port: ${path}`);
  return Number(state);
}

/** `100 Gb/sec (4X EDR)` in bytes a second. */
function parseRate(text: string | undefined, path: string): number {
  const rate = /^([\d.]+) /.exec(text ?? "")?.[1];
  if (rate === undefined) throw new Error(`not a rate of a port: ${path}`);
  return Math.trunc(Math.fround(Number(rate)) * GIGABIT_BYTES);
}

async function addPort(out: FamilySet, folder: string, labels: string[], signal: AbortSignal): Promise<void> {
  const read = (file: string): Promise<string | undefined> => readDevice(`${folder}/${file}`, signal);
  out.gauge(
    "node_infiniband_state_id",
    "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)",
    parseState(await read("state"), `${folder}/state`),
    labels,
  );
  out.gauge(
    "node_infiniband_physical_state_id",
    "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: phytest)",
    parseState(await read("phys_state"), `${folder}/phys_state`),
    labels,
  );
  const rate = parseRate(await read("rate"), `${folder}/rate`);
  out.gauge("node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate", rate, labels);
  const there = new Set(
    ["counters", "counters_ext", "hw_counters"].flatMap((sub) => list(folder, sub).map((file) => `${sub}/${file}`)),
  );
  if (there.has("hw_counters/lifespan")) {
    const milliseconds = parseInteger(await read("hw_counters/lifespan"));
    out.gauge(
      "node_infiniband_lifespan_seconds",
      "The maximum period in ms which defines the aging of the counter reads. Two consecutive reads within this period might return the same values.",
      milliseconds === undefined ? undefined : Math.trunc(milliseconds / 1000),
      labels,
    );
  }
  for (const [file, name, help, factor = 1] of COUNTERS) {
    // Some drivers answer `N/A (no PMA)`.
    const value = there.has(file) ? parseInteger(await read(file)) : undefined;
    out.counter(`node_infiniband_${name}`, help, value === undefined ? undefined : value * factor, labels);
  }
}

export const infiniband: Collector = {
  name: "infiniband",
  async collect({ paths, patterns }, signal) {
    const root = `${paths.sysfs}/class/infiniband`;
    const out = new FamilySet();
    const include = patterns["collector.infiniband.device-include"];
    const exclude = patterns["collector.infiniband.device-exclude"];
    for (const device of listOrNoData(root)) {
      if (ignored(device, include, exclude)) continue;
      const text = async (file: string): Promise<string> =>
        (await readDevice(`${root}/${device}/${file}`, signal)) ?? "";
      out.gauge("node_infiniband_info", "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.", 1, [
        "device",
        device,
        "board_id",
        await text("board_id"),
        "firmware_version",
        await text("fw_ver"),
        "hca_type",
        await text("hca_type"),
      ]);
      for (const port of list(root, device, "ports"))
        await addPort(out, `${root}/${device}/ports/${port}`, ["device", device, "port", port], signal);
    }
    return out.families;
  },
};
