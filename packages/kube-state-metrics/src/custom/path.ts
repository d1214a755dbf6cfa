/**
 * Paths into custom resources: keys, `0` or `-1` for elements of lists, `[key=value]` for the element of a list that has
 * it, `key=value` for a value that must be as given.
 */
import { sanitizeLabelName } from "../values/label-names.ts";
import { goText, isMap, type JsonMap, numberOrNone } from "./go-value.ts";

type Step = (value: unknown) => unknown;

/** What Go's strconv.ParseBool takes. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

function lookup(key: string, wanted: string): Step {
  const number = numberOrNone(wanted);
  const boolean = Object.hasOwn(BOOLEANS, wanted) ? BOOLEANS[wanted] : undefined;
  const matches = (candidate: unknown): boolean =>
    candidate === wanted ||
    (number !== undefined && numberOrNone(candidate) === number) ||
    (boolean !== undefined && candidate === boolean);
  return (value) =>
    Array.isArray(value)
      ? value.find((element) => isMap(element) && Object.hasOwn(element, key) && matches(element[key]))
      : undefined;
}

function field(part: string): Step {
  const pair = part.split("=");
  return (value) => {
    if (isMap(value)) {
      if (pair.length === 2 && Object.hasOwn(value, pair[0]) && value[pair[0]] === pair[1]) return pair[1];
      return Object.hasOwn(value, part) ? value[part] : undefined;
    }
    if (Array.isArray(value) && /^[+-]?\d{1,9}$/.test(part)) return value.at(Number(part));
    return undefined;
  };
}

export class ValuePath {
  readonly parts: readonly string[];
  readonly #steps: readonly Step[];

  /** Throws an Error for a lookup that is none. */
  constructor(parts: readonly string[]) {
    this.parts = parts;
    this.#steps = parts.map((part) => {
      if (!part.startsWith("[") || !part.endsWith("]")) return field(part);
      const inside = part.slice(1, -1);
      const equals = inside.indexOf("=");
      if (equals < 0) throw new Error(`invalid list lookup: ${part}`);
      return lookup(inside.slice(0, equals), inside.slice(equals + 1));
    });
  }

  /** Undefined (or null) where the path does not lead to anything. */
  get(value: unknown): unknown {
    let at = value;
    for (const step of this.#steps) {
      if (at === null || at === undefined) return undefined;
      at = step(at);
    }
    return at;
  }

  toString(): string {
    return `[${this.parts.join(",")}]`;
  }
}

export type LabelMap = Record<string, string>;

/** Labels taken from paths. `*` and `prefix*` copy whole maps; other labels come later and win. */
export class PathLabels {
  readonly #stars: readonly (readonly [string, ValuePath])[];
  readonly #plain: readonly (readonly [string, ValuePath])[];

  constructor(paths: Readonly<Record<string, ValuePath>>) {
    const isStar = ([name]: readonly [string, ValuePath]): boolean => name.startsWith("*") || name.endsWith("*");
    const entries = Object.entries(paths);
    this.#stars = entries.filter(isStar).sort(([a], [b]) => (a < b ? -1 : 1));
    this.#plain = entries.filter((entry) => !isStar(entry));
  }

  addTo(labels: LabelMap, value: unknown): void {
    for (const [star, path] of this.#stars) {
      const found = path.get(value);
      if (!isMap(found)) continue;
      for (const [key, text] of Object.entries(found as JsonMap)) {
        const name = star.endsWith("*") ? star.slice(0, -1) + key : key;
        labels[sanitizeLabelName(name)] = goText(text);
      }
    }
    for (const [name, path] of this.#plain) {
      const found = path.get(value);
      if (found !== null && found !== undefined) labels[sanitizeLabelName(name)] = goText(found);
    }
  }
}
