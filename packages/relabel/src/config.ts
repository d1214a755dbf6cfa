/** relabel_configs: strict reading, with upstream's checks. */
import type { YamlNode } from "@pharos/kit";
import { AnchoredRegexp, UserError } from "@pharos/model";

export const ACTIONS = [
  "replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase",
] as const; // biome-ignore format: a list
export type RelabelAction = (typeof ACTIONS)[number];

export interface RelabelConfig {
  action: RelabelAction;
  sourceLabels: readonly string[];
  separator: string;
  targetLabel: string;
  regex: AnchoredRegexp;
  modulus: number;
  replacement: string;
}

const DEFAULT_REGEX = new AnchoredRegexp("(.*)");
const NEEDS_TARGET = new Set<RelabelAction>(["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"]);

function readOne(node: YamlNode): RelabelConfig {
  const map = node.map();
  const fail = (message: string): UserError => node.error(message, { code: "relabel.config" });
  const action = (map.get("action")?.string() || "replace").toLowerCase() as RelabelAction;
  if (!ACTIONS.includes(action)) throw fail(`unknown relabel action ${JSON.stringify(action)}`);
  const regexNode = map.get("regex");
  let regex = DEFAULT_REGEX;
  if (regexNode && !regexNode.isNull) {
    try {
      regex = new AnchoredRegexp(regexNode.string());
    } catch (error) {
      if (error instanceof UserError) throw regexNode.error(error.message, { code: "relabel.config", cause: error });
      throw error;
    }
  }
  const config: RelabelConfig = {
    action,
    sourceLabels: map.get("source_labels")?.strings() ?? [],
    separator: map.get("separator")?.string() ?? ";",
    targetLabel: map.get("target_label")?.string() ?? "",
    regex,
    modulus: map.get("modulus")?.integer() ?? 0,
    replacement: map.get("replacement")?.string() ?? "$1",
  };
  const given = new Set(map.keys());
  map.done("relabel.plain");
  if (action === "hashmod" && config.modulus === 0)
    throw fail("relabel configuration for hashmod requires non-zero modulus");
  if (NEEDS_TARGET.has(action) && config.targetLabel === "")
    throw fail(`relabel configuration for ${action} action requires 'target_label' value`);
  if (config.sourceLabels.some((name) => name === "")) throw fail('"" is not a valid label name');
  if (action === "labeldrop" || action === "labelkeep") {
    if (["source_labels", "target_label", "modulus", "separator", "replacement"].some((key) => given.has(key))) {
      throw fail(`${action} action requires only 'regex', and no other fields`);
    }
  }
  if (action === "keepequal" || action === "dropequal") {
    if (["regex", "modulus", "separator", "replacement"].some((key) => given.has(key))) {
      throw fail(`${action} action requires only 'source_labels' and 'target_label', and no other fields`);
    }
  }
  if ((action === "lowercase" || action === "uppercase") && given.has("replacement") && config.replacement !== "$1") {
    throw fail(`'replacement' can not be set for ${action} action`);
  }
  return config;
}

/** The list under a `*relabel_configs` key; none when the key is absent. */
export function parseRelabelConfigs(node: YamlNode | undefined): RelabelConfig[] {
  return (node?.items() ?? []).map(readOne);
}
