import { type Collector, FamilySet, list, readInteger, readTrimmed } from "../collector.ts";
import { readDeviceInteger } from "../device-file.ts";
import { existsSync } from "../system.ts";

/** Files of a processor's cpufreq folder, in kHz. */
const FREQUENCIES: readonly (readonly [file: string, name: string, help: string])[] = [
  ["cpuinfo_cur_freq", "frequency_hertz", "Current CPU thread frequency in hertz."],
  ["cpuinfo_avg_freq", "frequency_avg_hertz", "Average CPU thread frequency in hertz."],
  ["cpuinfo_min_freq", "frequency_min_hertz", "Minimum CPU thread frequency in hertz."],
  ["cpuinfo_max_freq", "frequency_max_hertz", "Maximum CPU thread frequency in hertz."],
  ["scaling_cur_freq", "scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."],
  ["scaling_min_freq", "scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."],
  ["scaling_max_freq", "scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."],
];

export const cpufreq: Collector = {
  name: "cpufreq",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/devices/system/cpu`;
    const out = new FamilySet();
    for (const entry of list(root)) {
      const number = /^cpu(\d+)$/.exec(entry)?.[1];
      if (number === undefined) continue;
      const folder = `${root}/${entry}/cpufreq`;
      // Of one who cannot change it, or left it to the host, there is nothing.
      if (!existsSync(folder)) continue;
      for (const [file, name, help] of FREQUENCIES) {
        // The current ones are measured, which older kernels take 10 ms for.
        const measured = file.endsWith("_cur_freq");
        const khz = measured ? await readDeviceInteger(`${folder}/${file}`, signal) : readInteger(folder, file);
        out.gauge(`node_cpu_${name}`, help, khz === undefined ? undefined : khz * 1000, ["cpu", number]);
      }
      const governor = readTrimmed(folder, "scaling_governor");
      const available = readTrimmed(folder, "scaling_available_governors") ?? "";
      if (!governor) continue;
      for (const name of available.split(" ")) {
        const labels = ["cpu", number, "governor", name];
        out.gauge(
          "node_cpu_scaling_governor",
          "Current enabled CPU frequency governor.",
          Number(name === governor),
          labels,
        );
      }
    }
    return out.families;
  },
};
