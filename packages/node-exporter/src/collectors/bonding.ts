import { type Collector, FamilySet, readTextOrNoData, readTrimmed } from "../collector.ts";

export const bonding: Collector = {
  name: "bonding",
  collect({ paths }) {
    const net = `${paths.sysfs}/class/net`;
    const masters = readTextOrNoData(net, "bonding_masters").trim().split(/\s+/).filter(Boolean);
    const out = new FamilySet();
    for (const master of masters) {
      const slaves = (readTrimmed(net, master, "bonding/slaves") ?? "").split(/\s+/).filter(Boolean);
      let active = 0;
      for (const slave of slaves) {
        const status =
          readTrimmed(net, master, `lower_${slave}`, "bonding_slave/mii_status") ??
          readTrimmed(net, master, `slave_${slave}`, "bonding_slave/mii_status");
        if (status === "up") active++;
      }
      out.gauge("node_bonding_active", "Number of active slaves per bonding interface.", active, ["master", master]);
      out.gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.", slaves.length, [
        "master",
        master,
      ]);
    }
    return out.families;
  },
};
