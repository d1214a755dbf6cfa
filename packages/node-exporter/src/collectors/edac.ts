import { type Collector, FamilySet, list, readInteger, readTrimmed } from "../collector.ts";

/** The kernel writes `mc#0csrow#1channel#0`. */
function dimmLabel(text: string | undefined): string {
  return text?.replaceAll("#", "").replaceAll("csrow", "_csrow").replaceAll("channel", "_channel") ?? "unknown";
}

export const edac: Collector = {
  name: "edac",
  collect({ paths }) {
    const root = `${paths.sysfs}/devices/system/edac/mc`;
    const out = new FamilySet();
    for (const controllerFolder of list(root).filter((name) => /^mc\d/.test(name))) {
      const folder = `${root}/${controllerFolder}`;
      const controller = controllerFolder.slice(2);
      const errors = (kind: "ce" | "ue", what: string, unknownRow: string): void => {
        const labels = ["controller", controller];
        const help = `Total ${what} memory errors`;
        const total = readInteger(folder, `${kind}_count`);
        out.counter(`node_edac_${what}_errors_total`, `${help}.`, total, labels);
        const noinfo = readInteger(folder, `${kind}_noinfo_count`);
        const row = [...labels, "csrow", unknownRow];
        out.counter(`node_edac_csrow_${what}_errors_total`, `${help} for this csrow.`, noinfo, row);
      };
      errors("ce", "correctable", "unknown");
      errors("ue", "uncorrectable", "unknown");
      for (const csrow of list(folder).filter((name) => /^csrow\d/.test(name))) {
        const row = ["controller", controller, "csrow", csrow.slice(5)];
        const correctable = readInteger(folder, csrow, "ce_count");
        const uncorrectable = readInteger(folder, csrow, "ue_count");
        out.counter(
          "node_edac_csrow_correctable_errors_total",
          "Total correctable memory errors for this csrow.",
          correctable,
          row,
        );
        out.counter(
          "node_edac_csrow_uncorrectable_errors_total",
          "Total uncorrectable memory errors for this csrow.",
          uncorrectable,
          row,
        );
        for (const file of list(folder, csrow)) {
          const [, channel, kind] = /^ch(\d+)_(ce|ue)_count$/.exec(file) ?? [];
          if (channel === undefined) continue;
          const what = kind === "ce" ? "correctable" : "uncorrectable";
          const label = dimmLabel(readTrimmed(folder, csrow, `ch${channel}_dimm_label`));
          out.counter(
            `node_edac_channel_${what}_errors_total`,
            `Total ${what} memory errors for this channel.`,
            readInteger(folder, csrow, file),
            [...row, "channel", channel, "dimm_label", label],
          );
        }
      }
    }
    return out.families;
  },
};
