/** From matchers to series: set algebra over sorted lists of refs, the same for the head and for blocks. */
import type { Matcher } from "@pharos/model";

/** An inverted index. Lists are ascending; those of one name are disjoint. */
export interface PostingsSource {
  all(): readonly number[];
  /** Values of a label, in any order. */
  unsortedValues(name: string): Iterable<string>;
  refs(name: string, value: string): readonly number[];
}

/** Refs of the series all matchers accept, ascending. */
export function selectPostings(source: PostingsSource, matchers: readonly Matcher[]): readonly number[] {
  let result: readonly number[] | undefined;
  const rest: Matcher[] = [];
  // Matchers that need a label come first: they only ever make the set smaller.
  for (const matcher of matchers) {
    if (matcher.matchesEmpty) rest.push(matcher);
    else result = intersect(result, accepting(source, matcher));
    if (result?.length === 0) return [];
  }
  result ??= source.all();
  for (const matcher of rest) {
    const refused = refusing(source, matcher);
    if (refused.length > 0) result = subtract(result, refused);
  }
  return result;
}

/** Series whose value the matcher accepts; the matcher does not accept "". */
function accepting(source: PostingsSource, matcher: Matcher): readonly number[] {
  if (matcher.type === "=") return source.refs(matcher.name, matcher.value);
  const literals = matcher.type === "=~" ? matcher.regexp?.literals : undefined;
  if (literals) return union([...new Set(literals)].map((value) => source.refs(matcher.name, value)));
  const lists: (readonly number[])[] = [];
  for (const value of source.unsortedValues(matcher.name)) {
    if (matcher.matches(value)) lists.push(source.refs(matcher.name, value));
  }
  return union(lists);
}

/** Series that have the label with a value the matcher refuses; those without it are accepted. */
function refusing(source: PostingsSource, matcher: Matcher): readonly number[] {
  if (matcher.type === "!=") return source.refs(matcher.name, matcher.value);
  const lists: (readonly number[])[] = [];
  for (const value of source.unsortedValues(matcher.name)) {
    if (!matcher.matches(value)) lists.push(source.refs(matcher.name, value));
  }
  return union(lists);
}

function intersect(a: readonly number[] | undefined, b: readonly number[]): readonly number[] {
  if (!a) return b;
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      out.push(a[i]);
      i++;
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  return out;
}

function subtract(a: readonly number[], b: readonly number[]): readonly number[] {
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length; i++) {
    while (j < b.length && b[j] < a[i]) j++;
    if (b[j] !== a[i]) out.push(a[i]);
  }
  return out;
}

function union(lists: readonly (readonly number[])[]): readonly number[] {
  if (lists.length === 0) return [];
  if (lists.length === 1) return lists[0];
  return lists.flat().sort((a, b) => a - b);
}
