/** Relabelling rules that generation adds around the user's own. */
import type { LabelSelector } from "@pharos/kube";
import type { RelabelRule } from "../resources/common.ts";
import type { Yaml } from "./http-client.ts";

/** A Kubernetes label name as it appears in a meta label. */
export function sanitizeLabelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, "_");
}

/** Text as a regular expression that matches just it. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

export function userRelabelings(rules: readonly RelabelRule[] | undefined): Yaml[] {
  return (rules ?? []).map((rule) => {
    const out: Yaml = {};
    if (rule.sourceLabels?.length) out.source_labels = rule.sourceLabels;
    if (rule.separator !== undefined) out.separator = rule.separator;
    if (rule.targetLabel) out.target_label = rule.targetLabel;
    if (rule.regex) out.regex = rule.regex;
    if (rule.modulus) out.modulus = rule.modulus;
    if (rule.replacement !== undefined) out.replacement = rule.replacement;
    if (rule.action) out.action = rule.action.toLowerCase();
    return out;
  });
}

/** Labels of the Service or Pod that become labels of the target, where they are there. */
export function targetLabelRules(role: "service" | "pod", labels: readonly string[]): Yaml[] {
  return labels.map((label) => copyLabel(role, label, sanitizeLabelName(label)));
}

/** `jobLabel`: a label of the Service or Pod that names the job, where it is there. */
export function jobLabelRules(role: "service" | "pod", jobLabel: string | undefined): Yaml[] {
  return jobLabel ? [copyLabel(role, jobLabel, "job")] : [];
}

function copyLabel(role: "service" | "pod", label: string, target: string): Yaml {
  return {
    source_labels: [`__meta_kubernetes_${role}_label_${sanitizeLabelName(label)}`],
    target_label: target,
    regex: "(.+)",
    replacement: "${1}",
  };
}

/** The selector of a monitor as keep and drop rules on `__meta_kubernetes_<role>_label_…`. */
export function selectorRules(selector: LabelSelector | undefined, role: "service" | "pod" | "ingress"): Yaml[] {
  const label = (key: string): string => `__meta_kubernetes_${role}_label_${sanitizeLabelName(key)}`;
  const present = (key: string): string => `__meta_kubernetes_${role}_labelpresent_${sanitizeLabelName(key)}`;
  const out: Yaml[] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    out.push({ action: "keep", source_labels: [label(key), present(key)], regex: `(${value});true` });
  }
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    switch (operator) {
      case "In":
        out.push({ action: "keep", source_labels: [label(key), present(key)], regex: `(${values?.join("|")});true` });
        break;
      case "NotIn":
        out.push({ action: "drop", source_labels: [label(key), present(key)], regex: `(${values?.join("|")});true` });
        break;
      case "Exists":
        out.push({ action: "keep", source_labels: [present(key)], regex: true });
        break;
      case "DoesNotExist":
        out.push({ action: "drop", source_labels: [present(key)], regex: true });
        break;
    }
  }
  return out;
}
