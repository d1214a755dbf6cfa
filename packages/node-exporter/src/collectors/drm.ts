import { type Collector, FamilySet, list, parseInteger } from "../collector.ts";
import { readDevice } from "../device-file.ts";

/** Files of a card of AMD's below `device`. */
const NUMBERS: readonly (readonly [file: string, name: string, help: string])[] = [
  ["gpu_busy_percent", "gpu_busy_percent", "How busy the GPU is as a percentage."],
  ["mem_info_gtt_total", "memory_gtt_size_bytes", "The size of the graphics translation table (GTT) block in bytes."],
  [
    "mem_info_gtt_used",
    "memory_gtt_used_bytes",
    "The used amount of the graphics translation table (GTT) block in bytes.",
  ],
  ["mem_info_vram_total", "memory_vram_size_bytes", "The size of VRAM in bytes."],
  ["mem_info_vram_used", "memory_vram_used_bytes", "The used amount of VRAM in bytes."],
  ["mem_info_vis_vram_total", "memory_vis_vram_size_bytes", "The size of visible VRAM in bytes."],
  ["mem_info_vis_vram_used", "memory_vis_vram_used_bytes", "The used amount of visible VRAM in bytes."],
];

export const drm: Collector = {
  name: "drm",
  async collect({ paths }, signal) {
    const root = `${paths.sysfs}/class/drm`;
    const out = new FamilySet();
    for (const card of list(root).filter((name) => /^card\d$/.test(name))) {
      const read = (file: string): Promise<string | undefined> => readDevice(`${root}/${card}/device/${file}`, signal);
      if (!/DRIVER=amdgpu/.test((await read("uevent")) ?? "")) continue;
      out.gauge("node_drm_card_info", "Card information", 1, [
        "card",
        card,
        "memory_vendor",
        (await read("mem_info_vram_vendor")) ?? "",
        "power_performance_level",
        (await read("power_dpm_force_performance_level")) ?? "",
        "unique_id",
        (await read("unique_id")) ?? "",
        "vendor",
        "amd",
      ]);
      for (const [file, name, help] of NUMBERS)
        out.gauge(`node_drm_${name}`, help, parseInteger(await read(file)) ?? 0, ["card", card]);
    }
    return out.families;
  },
};
