/** Labels from the elements of AWS' XML answers, by tables. */
import type { TargetLabels } from "@pharos/model";
import type { XmlElement } from "../../api/xml.ts";
import { sanitize } from "../../labels.ts";

export interface AwsField {
  path: readonly string[];
  /** The label's name behind a prefix. */
  label: string;
  /** Written as RFC 3339 with seconds. */
  time: boolean;
}

/** The element at a dotted path is a label as it is. */
export function field(path: string, label: string): AwsField {
  return { path: path.split("."), label, time: false };
}

/** The element at a dotted path is a time. */
export function time(path: string, label: string): AwsField {
  return { path: path.split("."), label, time: true };
}

function timeText(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A label for each field that is there. */
export function fieldLabels(prefix: string, fields: readonly AwsField[], element: XmlElement): TargetLabels {
  const labels: TargetLabels = {};
  for (const { path, label, time: isTime } of fields) {
    const text = element.text(...path);
    if (text !== "") labels[prefix + label] = isTime ? timeText(text) : text;
  }
  return labels;
}

/** Members of a list, however its model names them. */
export function members(element: XmlElement, ...path: string[]): readonly XmlElement[] {
  return element.find(...path)?.children ?? [];
}

/** A label for each tag; the names of key and value differ in case between services. */
export function tagLabels(prefix: string, tags: readonly XmlElement[]): TargetLabels {
  return Object.fromEntries(
    tags.flatMap((tag) => {
      const key = tag.find("key") ?? tag.find("Key");
      const value = tag.find("value") ?? tag.find("Value");
      return key && value ? [[prefix + sanitize(key.content), value.content]] : [];
    }),
  );
}
