/** Relabelling rules by the version that will read them (upstream's LabelConfigValidator). */
import { compileRe2, UserError } from "@pharos/model";
import type { RelabelRule } from "../resources/common.ts";
import { atLeast } from "../version.ts";
import { invalid } from "./invalid.ts";

const NEEDS_TARGET = new Set(["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"]);
const SINCE: Record<string, string> = {
  lowercase: "2.36.0",
  uppercase: "2.36.0",
  keepequal: "2.41.0",
  dropequal: "2.41.0",
};
const NO_REPLACEMENT = new Set(["lowercase", "uppercase", "keepequal", "dropequal"]);
const DEFAULT_REPLACEMENT = "$1";
const DEFAULT_REGEX = "(.*)";
const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** A legacy label name with references to groups in it. */
const LEGACY_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/;

/** Version 3 takes any text as label name, older ones letters, digits and underscores. */
export function isLabelName(name: string, version: string): boolean {
  if (name === "") return false;
  return atLeast(version, "3.0.0-0") ? name.isWellFormed() : LEGACY_NAME.test(name);
}

function isTemplate(text: string, version: string): boolean {
  return atLeast(version, "3.0.0-0") ? isLabelName(text, version) : LEGACY_TEMPLATE.test(text);
}

/** Of the rule's fields, those that say something else than the default. */
function given(rule: RelabelRule): Set<string> {
  const out = new Set<string>();
  if (rule.sourceLabels?.length) out.add("sourceLabels");
  if (rule.targetLabel) out.add("targetLabel");
  if (rule.regex && rule.regex !== DEFAULT_REGEX) out.add("regex");
  if (rule.modulus) out.add("modulus");
  if (rule.separator !== undefined && rule.separator !== ";") out.add("separator");
  if (rule.replacement !== undefined && rule.replacement !== DEFAULT_REPLACEMENT) out.add("replacement");
  return out;
}

function checkOnly(rule: RelabelRule, action: string, allowed: readonly string[], field: string): void {
  for (const name of given(rule)) {
    if (allowed.includes(name)) continue;
    throw invalid(`${field}.${name}`, `action ${action} takes only ${allowed.join(" and ")}`, `Remove ${name}`);
  }
}

function checkTarget(rule: RelabelRule, action: string, version: string, field: string): void {
  const target = rule.targetLabel ?? "";
  if (!NEEDS_TARGET.has(action)) return;
  if (target === "") {
    throw invalid(`${field}.targetLabel`, `action ${action} needs targetLabel`, "Name the label to write");
  }
  const template = action === "replace" && target.includes("$");
  if (!(template ? isTemplate(target, version) : isLabelName(target, version))) {
    throw invalid(`${field}.targetLabel`, `${JSON.stringify(target)} is no label name`, "Use letters, digits and _");
  }
}

function checkRegex(regex: string, field: string): void {
  try {
    compileRe2(regex);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError("operator.invalid", error.message, { where: { field }, fix: error.fix, cause: error });
  }
}

export function checkRelabelRule(rule: RelabelRule, version: string, field: string): void {
  const action = (rule.action || "replace").toLowerCase();
  const since = SINCE[action];
  if (since && !atLeast(version, since)) {
    throw invalid(
      `${field}.action`,
      `action ${action} needs Prometheus ${since}`,
      "Raise spec.version of the instance",
    );
  }
  if (rule.regex) checkRegex(rule.regex, `${field}.regex`);
  if (action === "hashmod" && !rule.modulus) {
    throw invalid(`${field}.modulus`, "action hashmod needs a modulus above zero", "Set it to the number of shards");
  }
  checkTarget(rule, action, version, field);
  if (NO_REPLACEMENT.has(action) && given(rule).has("replacement")) {
    throw invalid(`${field}.replacement`, `action ${action} takes no replacement`, "Remove it");
  }
  if (action === "labelmap" && rule.replacement !== undefined && !isTemplate(rule.replacement, version)) {
    throw invalid(`${field}.replacement`, `${JSON.stringify(rule.replacement)} makes no label name`);
  }
  if (action === "keepequal" || action === "dropequal") {
    checkOnly(rule, action, ["sourceLabels", "targetLabel"], field);
  }
  if (action === "labeldrop" || action === "labelkeep") checkOnly(rule, action, ["regex"], field);
}

export function checkRelabelRules(rules: readonly RelabelRule[] | undefined, version: string, field: string): void {
  for (const [i, rule] of (rules ?? []).entries()) checkRelabelRule(rule, version, `${field}[${i}]`);
}
