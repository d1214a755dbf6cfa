/** Target groups as file_sd and http_sd have them: `[{"targets": ["host:port"], "labels": {}}]`. */
import type { YamlNode } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";

export function readTargetGroups(root: YamlNode, source: string): TargetGroup[] {
  return root.items().map((node, i) => {
    const map = node.map();
    const targets = (map.get("targets")?.items() ?? []).map((item) => ({ __address__: item.string() }));
    const labels = map.get("labels")?.stringMap() ?? {};
    map.done("struct");
    return { source: `${source}:${i}`, labels, targets };
  });
}
