/** Where two JSON values differ. */

/** The first difference as `path: peer … own …`; undefined for none. Long values are cut. */
export function difference(peer: unknown, own: unknown, path = "$"): string | undefined {
  if (Object.is(peer, own)) return undefined;
  const told = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 160);
  if (typeof peer !== "object" || typeof own !== "object" || peer === null || own === null) {
    return `${path}: ${told(peer)} there, ${told(own)} here`;
  }
  if (Array.isArray(peer) !== Array.isArray(own)) return `${path}: ${told(peer)} there, ${told(own)} here`;
  if (Array.isArray(peer) && Array.isArray(own) && peer.length !== own.length) {
    return `${path}: ${peer.length} entries there, ${own.length} here: ${told(peer)} and ${told(own)}`;
  }
  for (const key of new Set([...Object.keys(peer), ...Object.keys(own)])) {
    const found = difference(
      (peer as Record<string, unknown>)[key],
      (own as Record<string, unknown>)[key],
      `${path}.${key}`,
    );
    if (found) return found;
  }
  return undefined;
}
