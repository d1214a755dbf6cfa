/** Relabelling (upstream's model/relabel): rules applied in order to a label set. */
import { createHash } from "node:crypto";
import { type Labels, LabelsBuilder } from "@pharos/model";
import type { RelabelConfig } from "./config.ts";

/** Any name is one but the empty one and what is no Unicode. */
function isLabelName(name: string): boolean {
  return name !== "" && name.isWellFormed();
}

/** False when the set is dropped. */
function applyRule(rule: RelabelConfig, labels: LabelsBuilder): boolean {
  const { sourceLabels } = rule;
  const value =
    sourceLabels.length === 1
      ? labels.get(sourceLabels[0])
      : sourceLabels.map((name) => labels.get(name)).join(rule.separator);
  switch (rule.action) {
    case "drop":
      return !rule.regex.test(value);
    case "keep":
      return rule.regex.test(value);
    case "dropequal":
      return labels.get(rule.targetLabel) !== value;
    case "keepequal":
      return labels.get(rule.targetLabel) === value;
    case "replace": {
      const target = rule.regex.expand(value, rule.targetLabel);
      if (target === undefined) return true;
      if (!isLabelName(target)) return true;
      labels.set(target, rule.regex.expand(value, rule.replacement)!);
      return true;
    }
    case "lowercase":
      labels.set(rule.targetLabel, value.toLowerCase());
      return true;
    case "uppercase":
      labels.set(rule.targetLabel, value.toUpperCase());
      return true;
    case "hashmod": {
      // The low eight bytes, big-endian, of the MD5: part of the contract, as shards agree by it.
      const hash = createHash("md5").update(value).digest().readBigUInt64BE(8);
      labels.set(rule.targetLabel, String(hash % BigInt(rule.modulus)));
      return true;
    }
    case "labelmap":
      for (const [name, text] of labels.entries()) {
        const target = rule.regex.expand(name, rule.replacement);
        if (target !== undefined) labels.set(target, text);
      }
      return true;
    case "labeldrop":
      for (const [name] of labels.entries()) if (rule.regex.test(name)) labels.delete(name);
      return true;
    case "labelkeep":
      for (const [name] of labels.entries()) if (!rule.regex.test(name)) labels.delete(name);
      return true;
  }
}

/** The same on a builder, in place; false when the set is dropped. */
export function relabelBuilder(labels: LabelsBuilder, configs: readonly RelabelConfig[]): boolean {
  for (const rule of configs) if (!applyRule(rule, labels)) return false;
  return true;
}

/** The relabelled set; undefined when a rule dropped it. */
export function relabel(labels: Labels, configs: readonly RelabelConfig[]): Labels | undefined {
  if (configs.length === 0) return labels;
  const builder = new LabelsBuilder(labels);
  return relabelBuilder(builder, configs) ? builder.build() : undefined;
}
