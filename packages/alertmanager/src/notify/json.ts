/** JSON as Go's encoder writes it: HTML characters escaped, times without trailing zeros, a newline at the end. */

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

export function goJson(value: unknown): string {
  return `${JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPES[char])}\n`;
}

/** Go sorts the keys of maps (structs keep the order of their fields). */
export function sortedMap<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** RFC 3339 with as many digits of the second as there are; 0 is Go's zero time. */
export function goTime(ms: number): string {
  if (ms === 0) return "0001-01-01T00:00:00Z";
  return new Date(ms).toISOString().replace(/\.?0+Z$/, "Z");
}

/** Leaves out what Go's `omitempty` does: empty texts, lists, undefined and false. */
export function given(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entries).filter(
      ([, value]) =>
        value !== "" && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
