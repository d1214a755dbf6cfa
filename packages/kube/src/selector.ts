/** Label selectors as objects and as the API's text, and field selectors. */
import { UserError } from "@pharos/model";
import type { KubeObject, LabelSelector } from "./types.ts";

export function matchesLabelSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const present = Object.hasOwn(labels, key);
    switch (operator) {
      case "In":
        if (!present || !values.includes(labels[key])) return false;
        break;
      case "NotIn":
        if (present && values.includes(labels[key])) return false;
        break;
      case "Exists":
        if (!present) return false;
        break;
      case "DoesNotExist":
        if (present) return false;
        break;
    }
  }
  return true;
}

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = "[A-Za-z0-9][-A-Za-z0-9_./]*";

/** `a=b,c!=d,e in (x,y),f notin (z),g,!h` → a test; a UserError when it is not a selector. */
export function parseLabelSelector(text: string): LabelTest {
  const tests: LabelTest[] = [];
  // Commas inside parentheses do not separate requirements.
  for (const part of text.split(/,(?![^(]*\))/).map((piece) => piece.trim())) {
    if (part === "") continue;
    let match: RegExpExecArray | null;
    if ((match = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`).exec(part))) {
      const [, key, operator, list] = match;
      const values = new Set(list.split(",").map((value) => value.trim()));
      const wanted = operator === "in";
      tests.push((labels) => (Object.hasOwn(labels, key) ? values.has(labels[key]) === wanted : !wanted));
    } else if ((match = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`).exec(part))) {
      const [, key, operator, value] = match;
      tests.push(operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value);
    } else if ((match = new RegExp(`^(!?)\\s*(${KEY})$`).exec(part))) {
      const [, not, key] = match;
      tests.push((labels) => Object.hasOwn(labels, key) !== (not === "!"));
    } else {
      throw new UserError("kube.selector", `unable to parse requirement: ${JSON.stringify(part)}`);
    }
  }
  return (labels) => tests.every((test) => test(labels));
}

/** Fields every kind can be selected by, and further ones by kind, as in Kubernetes. */
const FIELDS_BY_KIND: Record<string, readonly string[]> = {
  Pod: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
  ],
  Event: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
    "regarding.kind",
    "regarding.name",
    "regarding.namespace",
    "regarding.uid",
  ],
  Secret: ["type"],
  Namespace: ["status.phase"],
  Node: ["spec.unschedulable"],
  Service: ["spec.clusterIP", "spec.type"],
  Job: ["status.successful"],
};

function fieldOf(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[part];
  return value === undefined || value === null ? "" : String(value);
}

/** `metadata.name=x,spec.nodeName!=y` → a test; a UserError for a field the kind cannot be selected by. */
export function parseFieldSelector(text: string, kind: string): (object: KubeObject) => boolean {
  const allowed = new Set(["metadata.name", "metadata.namespace", ...(FIELDS_BY_KIND[kind] ?? [])]);
  const tests = text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
      if (!match) throw new UserError("kube.selector", `invalid selector: '${part}'; can't understand '${part}'`);
      const [, path, operator, value] = match;
      if (!allowed.has(path)) throw new UserError("kube.selector", `field label not supported: ${path}`);
      return (object: KubeObject): boolean => (fieldOf(object, path) === value) === (operator !== "!=");
    });
  return (object) => tests.every((test) => test(object));
}
