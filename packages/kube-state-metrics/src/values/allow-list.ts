/**
 * `--metric-labels-allowlist` and `--metric-annotations-allowlist`: which keys of Kubernetes labels and annotations may
 * become labels of the `*_labels` and `*_annotations` series.
 */
import { UserError } from "@pharos/model";
import { mapLabels } from "./label-names.ts";

const WILDCARD = "*";

/** Keys allowed for one resource: exact ones, or patterns with one `*`. `*` alone counts only in the first place. */
export class KeyFilter {
  readonly #all: boolean;
  readonly #exact: readonly string[];
  readonly #patterns: readonly { start: string; end: string }[];

  constructor(keys: readonly string[]) {
    this.#all = keys[0] === WILDCARD;
    const wild = keys.filter((key) => key.includes(WILDCARD) && key !== WILDCARD);
    this.#exact = keys.filter((key) => !key.includes(WILDCARD));
    // A pattern with more wildcards than one allows nothing rather than too much.
    this.#patterns = wild
      .map((key) => key.split(WILDCARD))
      .filter((parts) => parts.length === 2)
      .map(([start, end]) => ({ start, end }));
  }

  #allows(key: string): boolean {
    return this.#patterns.some(
      ({ start, end }) => key.length >= start.length + end.length && key.startsWith(start) && key.endsWith(end),
    );
  }

  /** The allowed entries as labels `<prefix>_<key>`. */
  labels(prefix: string, map: Readonly<Record<string, string>> | undefined): string[] {
    if (!map) return [];
    if (this.#all) return mapLabels(prefix, map);
    const allowed: Record<string, string> = {};
    for (const key of this.#exact) if (Object.hasOwn(map, key)) allowed[key] = map[key];
    if (this.#patterns.length > 0) {
      for (const [key, value] of Object.entries(map)) if (this.#allows(key)) allowed[key] = value;
    }
    return mapLabels(prefix, allowed);
  }
}

/** Allowed keys by resource; `*` stands for every enabled resource and takes precedence. */
export type AllowList = ReadonlyMap<string, readonly string[]>;

/** Makes the filter of one resource; undefined when nothing is allowed for it. */
export function filterFor(list: AllowList, resource: string): KeyFilter | undefined {
  const keys = list.get(WILDCARD) ?? list.get(resource);
  return keys && keys.length > 0 ? new KeyFilter(keys) : undefined;
}

function refuse(text: string, flag: string, reason: string): UserError {
  return new UserError("ksm.allowlist", `invalid allow list ${JSON.stringify(text)}: ${reason}`, {
    where: { flag: `--${flag}` },
    fix: "Write it like pods=[app,team.io/*],namespaces=[*]",
  });
}

/** A `*` that is given more than once in a key would match more than its author thinks. */
export function checkWildcards(list: AllowList, text: string, flag: string): void {
  for (const keys of list.values()) {
    const bad = keys.find((key) => key.split(WILDCARD).length > 2);
    if (bad !== undefined) throw refuse(text, flag, `only one wildcard is allowed in ${JSON.stringify(bad)}`);
  }
}

/** Parses `resource=[key,key],resource=[key]`. */
export function parseAllowList(text: string, flag: string): AllowList {
  const list = new Map<string, string[]>();
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("=[", at);
    const resource = text.slice(at, open).trim();
    if (open < 0 || resource === "" || /[[\],=]/.test(resource)) throw refuse(text, flag, "expected resource=[keys]");
    const close = text.indexOf("]", open);
    if (close < 0) throw refuse(text, flag, `the list of ${resource} is not closed`);
    const inside = text.slice(open + 2, close);
    const keys = inside === "" ? [] : inside.split(",").map((key) => key.trim());
    if (keys.some((key) => key === "" || /[[=]/.test(key))) throw refuse(text, flag, `a key of ${resource} is no key`);
    list.set(resource, keys);
    at = close + 1;
    if (at === text.length) break;
    if (text[at] !== "," || at + 1 === text.length) throw refuse(text, flag, "expected a comma between resources");
    at++;
  }
  checkWildcards(list, text, flag);
  return list;
}
