import { type Collector, FamilySet, list, readTextOrNoData, readTrimmed } from "../collector.ts";

interface Array {
  name: string;
  state: string;
  active: number;
  required: number;
  failed: number;
  spare: number;
  blocks: number;
  synced: number;
}

/** Words of the kernel's activity and what an array that does so is. */
const ACTIVITIES: readonly (readonly [word: string, state: string])[] = [
  ["recovery", "recovering"],
  ["reshape", "reshaping"],
  ["check", "checking"],
  ["resync", "resyncing"],
];
/** States as the label tells them, and as the parser has them. */
const STATES: readonly (readonly [label: string, state: string])[] = [
  ["active", "active"],
  ["inactive", "inactive"],
  ["recovering", "recovering"],
  ["resync", "resyncing"],
  ["check", "checking"],
];

/**
 * /proc/mdstat: a line `md0 : active raid1 sda1[0] sdb1[1](F)`, a line `248896 blocks … [2/1] [U_]`, and perhaps one of
 * the bitmap and one of what is going on: `resync = 8.5% (16775552/195310144) …` or `resync=DELAYED`.
 */
function parseMdstat(text: string): Array[] {
  const out: Array[] = [];
  for (const entry of text.split(/\n(?=\S)/)) {
    const [device, status = "", ...rest] = entry.split("\n");
    const match = /^(?!Personalities|unused)(\S+) : (\S+)/.exec(device);
    if (!match) continue;
    const blocks = Number(/^\s*(\d+)/.exec(status)?.[1]);
    if (Number.isNaN(blocks)) throw new Error(`unexpected status line of ${match[1]}: ${JSON.stringify(status)}`);
    const count = (what: string): number => device.split(what).length - 1;
    const array: Array = {
      name: match[1],
      state: match[2],
      active: 0,
      required: 0,
      failed: count("(F)"),
      spare: count("(S)"),
      blocks,
      synced: blocks,
    };
    if (/\b(raid0|linear)\b/.test(device)) array.active = array.required = count("[");
    else if (array.state !== "inactive") {
      const disks = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(status);
      if (!disks) throw new Error(`unexpected status line of ${match[1]}: ${JSON.stringify(status)}`);
      array.required = Number(disks[1]);
      array.active = Number(disks[2]);
    }
    const activity = rest.find((line) => !line.includes("bitmap")) ?? "";
    const doing = ACTIVITIES.find(([word]) => activity.includes(word));
    if (doing) {
      array.state = doing[1];
      array.synced = /PENDING|DELAYED/.test(activity) ? 0 : Number(/\((\d+)\/\d+\)/.exec(activity)?.[1] ?? 0);
    }
    out.push(array);
  }
  return out;
}

/** Arrays that are only containers of others have no disks of their own. */
const CONTAINERS = new Set(["container", "imsm", "ddf", ""]);

export const mdadm: Collector = {
  name: "mdadm",
  collect({ paths }) {
    const out = new FamilySet();
    for (const array of parseMdstat(readTextOrNoData(paths.procfs, "mdstat"))) {
      const device = ["device", array.name];
      out.gauge("node_md_disks_required", "Total number of disks of device.", array.required, device);
      for (const state of ["active", "failed", "spare"] as const) {
        const help = "Number of active/failed/spare disks of device.";
        out.gauge("node_md_disks", help, array[state], [...device, "state", state]);
      }
      for (const [label, state] of STATES) {
        out.gauge("node_md_state", "Indicates the state of md-device.", Number(array.state === state), [
          ...device,
          "state",
          label,
        ]);
      }
      out.gauge("node_md_blocks", "Total number of blocks on device.", array.blocks, device);
      out.gauge("node_md_blocks_synced", "Number of blocks synced on device.", array.synced, device);
    }
    const root = `${paths.sysfs}/block`;
    for (const name of list(root).filter((entry) => entry.startsWith("md"))) {
      const level = readTrimmed(root, name, "md/level");
      if (level === undefined) continue;
      // While it is reshaped: `11 (10)`, the new number and the old one.
      const disks = /^\d+/.exec(readTrimmed(root, name, "md/raid_disks") ?? "")?.[0];
      if (disks !== undefined && !CONTAINERS.has(level))
        out.gauge("node_md_raid_disks", "Number of raid disks on device.", Number(disks), ["device", name]);
      const degraded = Number(readTrimmed(root, name, "md/degraded") ?? 0);
      out.gauge("node_md_degraded", "Number of degraded disks on device.", degraded, ["device", name]);
    }
    return out.families;
  },
};
