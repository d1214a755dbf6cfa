/** How meta labels are written, the same in all mechanisms. */
import type { TargetLabels } from "@pharos/model";

/** Whatever may not be in a label's name becomes `_`, one for each code point. */
export function sanitize(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/gu, "_");
}

/** `,a,b,`: with the separator at both ends, a pattern finds an item whatever its position. */
export function surround(items: readonly string[], separator = ","): string {
  return `${separator}${items.join(separator)}${separator}`;
}

export function joinHostPort(host: string, port: number | string): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** A label for each entry, named by the prefix and the entry's key. */
export function prefixed(prefix: string, map: Readonly<Record<string, string>>): TargetLabels {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [prefix + sanitize(key), value]));
}

/** Without labels whose value is undefined: those are not there. */
export function defined(labels: Readonly<Record<string, string | undefined>>): TargetLabels {
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
