/** Templates inside structured settings (payloads, details, fields): every text and key of them is run. */
import { parseYaml } from "@pharos/kit";

/** Decoded YAML as JSON can hold it. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "bigint") return Number(value);
  return value;
}

/**
 * A rendered text that reads as YAML of another kind than text becomes that: `{{ len .Alerts }}` a number, rendered JSON a
 * structure. What it holds is not rendered again.
 */
export function renderDeep(value: unknown, render: (template: string) => string): unknown {
  if (typeof value === "string") {
    const rendered = render(value);
    try {
      const node = parseYaml(rendered);
      const read = node.toValue();
      return typeof read === "string" ? rendered : plain(read);
    } catch {
      return rendered;
    }
  }
  if (Array.isArray(value)) return value.map((item) => renderDeep(item, render));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [render(key), renderDeep(item, render)] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  }
  return value;
}
