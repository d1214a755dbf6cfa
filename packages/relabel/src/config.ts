/** relabel_configs: strict reading, with upstream's checks and messages (model/relabel). */
import { quoteText, type YamlNode } from "@pharos/kit";
import { AnchoredRegexp, UserError } from "@pharos/model";

export const ACTIONS = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
] as const;
export type RelabelAction = (typeof ACTIONS)[number];

/** `legacy` allows only letters, digits and underscores in names. */
export type NameScheme = "utf8" | "legacy";

export interface RelabelConfig {
  action: RelabelAction;
  sourceLabels: readonly string[];
  separator: string;
  targetLabel: string;
  regex: AnchoredRegexp;
  modulus: number;
  replacement: string;
  nameScheme: NameScheme;
}

const SEPARATOR = ";";
const REPLACEMENT = "$1";
const DEFAULT_REGEX = new AnchoredRegexp("(.*)");
const NEEDS_TARGET = new Set<RelabelAction>(["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"]);
const NO_REPLACEMENT = new Set<RelabelAction>(["lowercase", "uppercase", "keepequal", "dropequal"]);
/** Plain names mixed with `$1`, `${1}` and `$name`. */
const LEGACY_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/;

export function isLabelName(name: string, scheme: NameScheme): boolean {
  if (scheme === "legacy") return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
  return name !== "" && name.isWellFormed();
}

function isNameTemplate(template: string, scheme: NameScheme): boolean {
  return scheme === "legacy" ? LEGACY_TEMPLATE.test(template) : isLabelName(template, scheme);
}

function readRegex(node: YamlNode | undefined): AnchoredRegexp {
  if (!node || node.isNull) return DEFAULT_REGEX;
  try {
    return new AnchoredRegexp(node.string());
  } catch (error) {
    if (error instanceof UserError) throw node.error(error.message, { code: "relabel.config", cause: error });
    throw error;
  }
}

/** What is wrong with a rule, in upstream's order; undefined when nothing is. */
function problemOf(config: RelabelConfig, hasSources: boolean): string | undefined {
  const { action, targetLabel, modulus, separator, replacement, regex, nameScheme } = config;
  const quoted = quoteText(targetLabel);
  if (action === "hashmod" && modulus === 0) return "relabel configuration for hashmod requires non-zero modulus";
  if (NEEDS_TARGET.has(action) && targetLabel === "") {
    return `relabel configuration for ${action} action requires 'target_label' value`;
  }
  const template = action === "replace" && targetLabel.includes("$");
  const valid = template ? isNameTemplate(targetLabel, nameScheme) : isLabelName(targetLabel, nameScheme);
  if (NEEDS_TARGET.has(action) && !valid) return `${quoted} is invalid 'target_label' for ${action} action`;
  if (NO_REPLACEMENT.has(action) && replacement !== REPLACEMENT) {
    return `'replacement' can not be set for ${action} action`;
  }
  if (action === "labelmap" && !isNameTemplate(replacement, nameScheme)) {
    return `${quoteText(replacement)} is invalid 'replacement' for ${action} action`;
  }
  const others = modulus !== 0 || separator !== SEPARATOR || replacement !== REPLACEMENT;
  if ((action === "dropequal" || action === "keepequal") && (regex !== DEFAULT_REGEX || others)) {
    return `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`;
  }
  if ((action === "labeldrop" || action === "labelkeep") && (hasSources || targetLabel !== "" || others)) {
    return `${action} action requires only 'regex', and no other fields`;
  }
  return undefined;
}

function readOne(node: YamlNode, nameScheme: NameScheme): RelabelConfig {
  const map = node.map();
  const text = (key: string, fallback: string): string => {
    const value = map.get(key);
    return value && !value.isNull ? value.string() : fallback;
  };
  const fail = (message: string): UserError => node.error(message, { code: "relabel.config" });
  const actionNode = map.get("action");
  if (actionNode?.isNull) throw actionNode.error("relabel action cannot be empty", { code: "relabel.config" });
  const action = actionNode?.string() ?? "replace";
  const sources = map.get("source_labels");
  const modulus = map.get("modulus");
  const config: RelabelConfig = {
    action: action.toLowerCase() as RelabelAction,
    sourceLabels: sources?.strings() ?? [],
    separator: text("separator", SEPARATOR),
    targetLabel: text("target_label", ""),
    regex: readRegex(map.get("regex")),
    modulus: modulus && !modulus.isNull ? modulus.integer() : 0,
    replacement: text("replacement", REPLACEMENT),
    nameScheme,
  };
  map.done("relabel.plain");
  if (!ACTIONS.includes(config.action)) throw fail(`unknown relabel action ${JSON.stringify(action)}`);
  if (config.modulus < 0) throw modulus!.error("modulus must not be negative", { code: "relabel.config" });
  for (const name of config.sourceLabels) {
    if (!isLabelName(name, nameScheme)) throw fail(`${quoteText(name)} is not a valid label name`);
  }
  const problem = problemOf(config, sources !== undefined && !sources.isNull);
  if (problem) throw fail(problem);
  return config;
}

/**
 * The list under a `*relabel_configs` key; none when the key is absent. A UserError names the rule and what is wrong;
 * `whenEmpty` is what it says of an entry that is none.
 */
export function parseRelabelConfigs(
  node: YamlNode | undefined,
  nameScheme: NameScheme = "utf8",
  whenEmpty = "empty or null relabeling rule",
): RelabelConfig[] {
  return (node?.items() ?? []).map((item) => {
    if (item.isNull) throw item.error(whenEmpty, { code: "relabel.config", fix: "Remove the empty entry" });
    return readOne(item, nameScheme);
  });
}
