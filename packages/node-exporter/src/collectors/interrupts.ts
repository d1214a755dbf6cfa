import { type Collector, FamilySet, ignored, readText } from "../collector.ts";

/** Lines `16: 1 2 IO-APIC-fasteoi ehci_hcd:usb1`: a count a processor, then words about the interrupt. */
export const interrupts: Collector = {
  name: "interrupts",
  collect({ paths, patterns, flags }) {
    const [head, ...lines] = readText(paths.procfs, "interrupts").split("\n");
    const cpus = head.trim().split(/\s+/).length;
    const out = new FamilySet();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const type = line.slice(0, colon).trim();
      const words = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/);
      // ERR and MIS are counted for the whole machine.
      if (colon < 0 || words.length < cpus + 1) continue;
      const numbered = /^\d+$/.test(type);
      const info = numbered ? words[cpus] : words.slice(cpus).join(" ");
      const devices = numbered ? words.slice(cpus + 1).join(" ") : "";
      const name = `${type};${info};${devices}`;
      if (ignored(name, patterns["collector.interrupts.name-include"], patterns["collector.interrupts.name-exclude"]))
        continue;
      for (const [cpu, count] of words.slice(0, cpus).entries()) {
        if (flags["collector.interrupts.include-zeros"] === false && count === "0") continue;
        const labels = ["cpu", String(cpu), "type", type, "info", info, "devices", devices];
        out.counter("node_interrupts_total", "Interrupt details.", Number(count), labels);
      }
    }
    return out.families;
  },
};
