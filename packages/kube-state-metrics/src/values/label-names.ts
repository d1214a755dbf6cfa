/** Label names made from the keys of Kubernetes labels, annotations and selectors, by upstream's rules. */
import { compareStrings } from "@pharos/model";

/** Everything but letters, digits and underscores becomes an underscore. */
export function sanitizeLabelName(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]/g, "_");
}

/** Names repeat from object to object; a program that puts ever new keys into its annotations must not fill the memory. */
const MAX_KNOWN = 10_000;
const known = new Map<string, string>();

function snakeCase(key: string): string {
  let name = known.get(key);
  if (name === undefined) {
    name = sanitizeLabelName(key)
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .toLowerCase();
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, name);
  }
  return name;
}

/**
 * A map as labels `<prefix>_<key in snake case>`, in byte order of the keys. Keys that become the same name get
 * `_conflict1`, `_conflict2` …, never a name that another key already has.
 */
export function mapLabels(prefix: string, map: Readonly<Record<string, string>> | undefined | null): string[] {
  const labels: string[] = [];
  /** Where in `labels` a name stands. */
  const used = new Map<string, number>();
  const conflicts = new Map<string, number>();
  const nextFree = (base: string): string => {
    for (let count = (conflicts.get(base) ?? 0) + 1; ; count++) {
      const candidate = `${base}_conflict${count}`;
      if (used.has(candidate)) continue;
      conflicts.set(base, count);
      return candidate;
    }
  };
  for (const key of Object.keys(map ?? {}).sort(compareStrings)) {
    const base = `${prefix}_${snakeCase(key)}`;
    let name = base;
    const first = used.get(base);
    if (conflicts.has(base)) name = nextFree(base);
    else if (first !== undefined) {
      // The first of the same name is renamed as well.
      const renamed = nextFree(base);
      used.delete(base);
      labels[first] = renamed;
      used.set(renamed, first);
      name = nextFree(base);
    }
    used.set(name, labels.length);
    labels.push(name, map![key]);
  }
  return labels;
}
