/** static_configs: targets written into the configuration. */
import type { TargetGroup } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";

export const staticMechanism: Mechanism<TargetGroup> = {
  name: "static",
  parse(node) {
    const map = node.map();
    const targets = (map.get("targets")?.items() ?? []).map((item) => {
      const address = item.string();
      if (address.includes("/")) {
        throw item.error(`${JSON.stringify(address)} is not a valid hostname`, {
          code: "discovery.config",
          fix: "Give host:port without scheme or path",
        });
      }
      return { __address__: address };
    });
    const labels = map.get("labels")?.stringMap() ?? {};
    map.done("targetgroup.plain");
    return { source: "", labels, targets };
  },
  async run(config, { update, explain }) {
    explain(config.targets.length === 0 ? "static_configs names no targets" : "");
    update([config]);
  },
};
