/** Relabelling (upstream's model/relabel): rules applied in order to a label set. */
import { createHash } from "node:crypto";
import { type Labels, LabelsBuilder } from "@pharos/model";
import { isLabelName, type RelabelConfig } from "./config.ts";

/** Go maps case rune by rune; JavaScript also does what takes several characters or depends on their neighbours. */
function mapCase(text: string, upper: boolean): string {
  const whole = upper ? text.toUpperCase() : text.toLowerCase();
  if (/^[\u0000-\u007f]*$/.test(text)) return whole;
  let out = "";
  for (const character of text) {
    const mapped = upper ? character.toUpperCase() : character.toLowerCase();
    // A dotted capital I is the one letter whose lower case Go has as a single rune and JavaScript has not.
    out += [...mapped].length === 1 ? mapped : character === "\u0130" ? "i" : character;
  }
  return out;
}

/** The low eight bytes, big-endian, of the MD5: part of the contract, as shards agree by it. */
function hashMod(value: string, modulus: number): string {
  const hash = createHash("md5").update(value).digest();
  return String(hash.readBigUInt64BE(8) % BigInt(modulus));
}

/** False when the set is dropped. */
function applyRule(rule: RelabelConfig, labels: LabelsBuilder): boolean {
  const { sourceLabels, targetLabel, regex } = rule;
  const value =
    sourceLabels.length === 1
      ? labels.get(sourceLabels[0])
      : sourceLabels.map((name) => labels.get(name)).join(rule.separator);
  switch (rule.action) {
    case "drop":
      return !regex.test(value);
    case "keep":
      return regex.test(value);
    case "dropequal":
      return labels.get(targetLabel) !== value;
    case "keepequal":
      return labels.get(targetLabel) === value;
    case "replace": {
      const target = regex.expand(value, targetLabel);
      if (target === undefined || !isLabelName(target, rule.nameScheme)) return true;
      labels.set(target, regex.expand(value, rule.replacement)!);
      return true;
    }
    case "lowercase":
    case "uppercase":
      labels.set(targetLabel, mapCase(value, rule.action === "uppercase"));
      return true;
    case "hashmod":
      labels.set(targetLabel, hashMod(value, rule.modulus));
      return true;
    case "labelmap":
      for (const [name, text] of labels.entries()) {
        const target = regex.expand(name, rule.replacement);
        // A template may come out empty, which is no name.
        if (target) labels.set(target, text);
      }
      return true;
    case "labeldrop":
      for (const [name] of labels.entries()) if (regex.test(name)) labels.delete(name);
      return true;
    case "labelkeep":
      for (const [name] of labels.entries()) if (!regex.test(name)) labels.delete(name);
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
