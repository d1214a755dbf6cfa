/** Label selectors as objects and as the API's text, and field selectors. */
import { UserError } from "@pharos/model";
import type { KubeObject, LabelSelector } from "./types.ts";

/**
 * Whether labels match a selector object. An empty one matches everything; what an absent one means is up to the field it
 * is absent from. A requirement that is none (see `labelSelectorProblem`) matches nothing.
 */
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
      default:
        return false;
    }
  }
  return true;
}

/** What makes a selector object unusable, in the API's words; undefined when it is fine. */
export function labelSelectorProblem(selector: LabelSelector): UserError | undefined {
  for (const [i, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const problem = (field: string, message: string) =>
      new UserError("kube.selector", message, { where: { field: `matchExpressions[${i}].${field}` } });
    if (!WHOLE_KEY.test(key ?? "")) return problem("key", `${JSON.stringify(key)} is no label name`);
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) return problem("values", `must be specified when operator is ${operator}`);
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) return problem("values", `may not be specified when operator is ${operator}`);
    } else return problem("operator", `${JSON.stringify(operator)} is not a valid label selector operator`);
  }
  return undefined;
}

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = "[A-Za-z0-9][-A-Za-z0-9_./]*";
const WHOLE_KEY = new RegExp(`^${KEY}$`);
const IN_SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const COMPARED = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const ORDERED = new RegExp(`^(${KEY})\\s*([<>])\\s*(-?\\d{1,18})$`);
const PRESENT = new RegExp(`^(!?)\\s*(${KEY})$`);
const WHOLE_NUMBER = /^-?\d{1,18}$/;

/** The requirements of a selector: commas inside parentheses do not separate them. */
function split(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (text[i] === "," && depth <= 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts.filter((part) => part !== "");
}

/** `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1` → a test; a UserError when it is not a selector. */
export function parseLabelSelector(text: string): LabelTest {
  const tests: LabelTest[] = [];
  for (const part of split(text)) {
    let match: RegExpExecArray | null;
    if ((match = IN_SET.exec(part))) {
      const [, key, operator, list] = match;
      const values = new Set(list.split(",").map((value) => value.trim()));
      const wanted = operator === "in";
      tests.push((labels) => (Object.hasOwn(labels, key) ? values.has(labels[key]) === wanted : !wanted));
    } else if ((match = COMPARED.exec(part))) {
      const [, key, operator, value] = match;
      tests.push(operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value);
    } else if ((match = ORDERED.exec(part))) {
      const [, key, operator, bound] = match;
      tests.push((labels) => {
        if (!Object.hasOwn(labels, key) || !WHOLE_NUMBER.test(labels[key])) return false;
        const value = BigInt(labels[key]);
        return operator === ">" ? value > BigInt(bound) : value < BigInt(bound);
      });
    } else if ((match = PRESENT.exec(part))) {
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
