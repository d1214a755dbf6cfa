/** From matchers to series: set algebra over sorted lists of numbers, the same for the head and for blocks. */
import type { Matcher } from "@pharos/model";

/** An inverted index. Lists are ascending; those of one name are disjoint. */
export interface PostingsSource {
  all(): Uint32Array;
  /** Values of a label, in any order. */
  unsortedValues(name: string): Iterable<string>;
  refs(name: string, value: string): Uint32Array;
  /**
   * Those of the given series whose value of a label is accepted ("" without it), where finding that out by looking at each of them
   * is less work than putting together the lists of the values; undefined where it is not.
   */
  filter?(refs: Uint32Array, name: string, accepts: (value: string) => boolean): Uint32Array | undefined;
}

const NONE = new Uint32Array();

/** Series that all matchers accept, ascending. Valid until the index changes. */
export function selectPostings(source: PostingsSource, matchers: readonly Matcher[]): Uint32Array {
  let result: Uint32Array | undefined;
  const rest: Matcher[] = [];
  const scans: Matcher[] = [];
  // Matchers that need a label come first: they only ever make the set smaller. Among them those that name values come before
  // those that have to try all of them.
  for (const matcher of matchers) {
    if (matcher.matchesEmpty) rest.push(matcher);
    else if (matcher.type === "=" || (matcher.type === "=~" && matcher.regexp?.literals)) {
      result = intersect(result, accepting(source, matcher));
      if (result.length === 0) return NONE;
    } else scans.push(matcher);
  }
  for (const matcher of scans) {
    const filtered: Uint32Array | undefined = result && filter(source, result, matcher);
    result = filtered ?? intersect(result, accepting(source, matcher));
    if (result.length === 0) return NONE;
  }
  result ??= source.all();
  for (const matcher of rest) {
    if (result.length === 0) return NONE;
    const filtered: Uint32Array | undefined = matcher.type === "!=" ? undefined : filter(source, result, matcher);
    if (filtered) {
      result = filtered;
      continue;
    }
    const refused = refusing(source, matcher);
    if (refused.length > 0) result = subtract(result, refused);
  }
  return result;
}

function filter(source: PostingsSource, refs: Uint32Array, matcher: Matcher): Uint32Array | undefined {
  return source.filter?.(refs, matcher.name, (value) => matcher.matches(value));
}

/** Series whose value the matcher accepts; the matcher does not accept "". */
function accepting(source: PostingsSource, matcher: Matcher): Uint32Array {
  if (matcher.type === "=") return source.refs(matcher.name, matcher.value);
  const literals = matcher.type === "=~" ? matcher.regexp?.literals : undefined;
  if (literals) return union([...new Set(literals)].map((value) => source.refs(matcher.name, value)));
  const lists: Uint32Array[] = [];
  for (const value of source.unsortedValues(matcher.name)) {
    if (matcher.matches(value)) lists.push(source.refs(matcher.name, value));
  }
  return union(lists);
}

/** Series that have the label with a value the matcher refuses; those without it are accepted. */
function refusing(source: PostingsSource, matcher: Matcher): Uint32Array {
  if (matcher.type === "!=") return source.refs(matcher.name, matcher.value);
  const lists: Uint32Array[] = [];
  for (const value of source.unsortedValues(matcher.name)) {
    if (!matcher.matches(value)) lists.push(source.refs(matcher.name, value));
  }
  return union(lists);
}

/** A list more than so many times as long as the other is searched, not walked. */
const SKEW = 32;

function intersect(a: Uint32Array | undefined, b: Uint32Array): Uint32Array {
  if (!a) return b;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const out = new Uint32Array(short.length);
  let count = 0;
  if (long.length > SKEW * short.length) {
    let from = 0;
    for (let i = 0; i < short.length; i++) {
      from = lowerBound(long, short[i], from);
      if (long[from] === short[i]) out[count++] = short[i];
    }
    return out.subarray(0, count);
  }
  for (let i = 0, j = 0; i < short.length && j < long.length; ) {
    const x = short[i];
    const y = long[j];
    if (x === y) out[count++] = x;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return out.subarray(0, count);
}

/** First place from `from` on whose number is not below `value`. */
function lowerBound(list: Uint32Array, value: number, from: number): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.length; i++) {
    while (j < b.length && b[j] < a[i]) j++;
    if (b[j] !== a[i]) out[count++] = a[i];
  }
  return out.subarray(0, count);
}

function union(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length === 0) return NONE;
  if (lists.length === 1) return lists[0];
  const out = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    out.set(list, at);
    at += list.length;
  }
  return out.sort();
}
