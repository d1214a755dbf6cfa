/** The label set that a routing question is about, as people write it: `alertname="Down", severity=critical`. */
import { parseMatchers } from "../core/matchers.ts";

/** Throws with what is wrong; "" is no label set. */
export function parseLabels(text: string): Record<string, string> {
  if (text.trim() === "") return {};
  const labels: Record<string, string> = {};
  for (const { name, value, isRegex, isEqual } of parseMatchers(text)) {
    if (isRegex || !isEqual) throw new Error(`an alert has labels, not patterns: write ${name}="…"`);
    labels[name] = value;
  }
  return labels;
}

/** Query of the routing API. */
export function labelQuery(labels: Readonly<Record<string, string>>): string {
  return new URLSearchParams(
    Object.entries(labels).map(([name, value]) => ["label", `${JSON.stringify(name)}=${JSON.stringify(value)}`]),
  ).toString();
}

export function routingUrl(labels: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels)
    .map(([name, value]) => `${/^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`)
    .join(", ");
  return `/routing?labels=${encodeURIComponent(text)}`;
}
