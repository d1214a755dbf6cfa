/** static_configs: targets written into the configuration. */

import type { YamlNode } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";

/** Throws for a target that is a URL: without relabelling to make an address of it, nobody could reach it. */
export function checkAddresses(node: YamlNode): void {
  for (const item of node.map().get("targets")?.items() ?? []) {
    const address = item.string();
    if (!address.includes("/")) continue;
    throw item.error(`${JSON.stringify(address)} is not a valid hostname`, {
      code: "discovery.config",
      fix: "Give host:port without scheme or path",
    });
  }
}

export const staticMechanism: Mechanism<TargetGroup> = {
  name: "static",
  parse(node) {
    const map = node.map();
    const targets = (map.get("targets")?.items() ?? []).map((item) => ({ __address__: item.string() }));
    const labels = map.get("labels")?.stringMap() ?? {};
    map.done("targetgroup.plain");
    return { source: "", labels, targets };
  },
  async run(config, { update, explain }) {
    explain(config.targets.length === 0 ? "static_configs names no targets" : "");
    update([config]);
  },
};
