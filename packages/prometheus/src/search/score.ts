/**
 * How well a name fits what somebody types, 0 to 1 (upstream's experimental search API): by characters in order
 * (`subsequence`), or as a part of it or by Jaro-Winkler similarity (`jarowinkler`).
 */

/** The score of a value, undefined when it does not fit. */
export type Scorer = (value: string) => number | undefined;

/** Anything but the exact text stays below 1, however the numbers are rounded. */
const BELOW_EXACT = 0.999;
/** A part at the very end still counts this much. */
const LATEST_PART = 0.1;
const PREFIX_WEIGHT = 0.1;
const MAX_PREFIX = 4;

/** Points of a match that begins at `start`: squares of runs, less what lies between them; undefined without a match. */
function pointsFrom(pattern: readonly string[], text: readonly string[], start: number): number | undefined {
  let points = 0;
  let done = 0;
  let at = start;
  let last = -1;
  while (done < pattern.length) {
    while (at < text.length && text[at] !== pattern[done]) at++;
    if (at >= text.length) return undefined;
    const from = at;
    while (at < text.length && done < pattern.length && text[at] === pattern[done]) {
      at++;
      done++;
    }
    points += (at - from) ** 2 - (from - last - 1) / text.length;
    last = at - 1;
  }
  // What follows counts half of what lies before and between.
  return points - (text.length - 1 - last) / text.length / 2;
}

/** 0 when the pattern's characters are not all in the text, in order. */
export function subsequenceScore(pattern: string, text: string): number {
  if (pattern === "" || pattern === text) return 1;
  const wanted = [...pattern];
  const given = [...text];
  let best = -1;
  for (let start = 0; start <= given.length - wanted.length; start++) {
    if (given[start] !== wanted[0]) continue;
    const points = pointsFrom(wanted, given, start);
    // What cannot be completed from here cannot be from later on.
    if (points === undefined) break;
    best = Math.max(best, points);
  }
  return best < 0 ? 0 : (best / wanted.length ** 2) * BELOW_EXACT;
}

export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1;
  const [short, long] = [[...a], [...b]].sort((x, y) => x.length - y.length);
  if (short.length === 0) return 0;
  const reach = Math.max(Math.floor(long.length / 2) - 1, 0);
  const taken = new Set<number>();
  const matched: string[] = [];
  for (const [i, char] of short.entries()) {
    const end = Math.min(i + reach + 1, long.length);
    for (let j = Math.max(i - reach, 0); j < end; j++) {
      if (taken.has(j) || long[j] !== char) continue;
      taken.add(j);
      matched.push(char);
      break;
    }
  }
  const count = matched.length;
  if (count === 0) return 0;
  const others = [...taken].sort((x, y) => x - y);
  const moved = matched.filter((char, i) => char !== long[others[i]]).length;
  const jaro = (count / short.length + count / long.length + (count - moved / 2) / count) / 3;
  let prefix = 0;
  while (prefix < Math.min(MAX_PREFIX, short.length) && short[prefix] === long[prefix]) prefix++;
  return jaro + prefix * PREFIX_WEIGHT * (1 - jaro);
}

/** The earlier the part stands, the better. */
function partScore(part: string, text: string): number | undefined {
  const at = text.indexOf(part);
  if (at < 0) return undefined;
  if (at === 0) return 1;
  const room = [...text].length - [...part].length;
  return 1 - ((1 - LATEST_PART) * [...text.slice(0, at)].length) / room;
}

export const ALGORITHMS = ["subsequence", "jarowinkler"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface SearchTerms {
  /** Any of them will do; empty ones do not count. */
  terms: readonly string[];
  algorithm: Algorithm;
  /** Scores below it do not fit, 0 to 1. */
  threshold: number;
  caseSensitive: boolean;
}

function scorerOf(term: string, algorithm: Algorithm, threshold: number): Scorer {
  if (algorithm === "subsequence") {
    return (value) => {
      if (value.startsWith(term)) return 1;
      const score = subsequenceScore(term, value);
      return score > 0 && score >= threshold ? score : undefined;
    };
  }
  return (value) => {
    const part = partScore(term, value);
    if (part !== undefined || threshold === 0) return part;
    const score = jaroWinkler(term, value);
    return score >= threshold ? score : undefined;
  };
}

/** The best score of any term; undefined when there is no term, and so everything fits. */
export function searchScorer({ terms, algorithm, threshold, caseSensitive }: SearchTerms): Scorer | undefined {
  const fold = (text: string): string => (caseSensitive ? text : text.toLowerCase());
  const scorers = terms.filter((term) => term !== "").map((term) => scorerOf(fold(term), algorithm, threshold));
  if (scorers.length === 0) return undefined;
  return (value) => {
    const folded = fold(value);
    let best: number | undefined;
    for (const scorer of scorers) {
      const score = scorer(folded);
      if (score !== undefined && (best === undefined || score > best)) best = score;
      if (best === 1) break;
    }
    return best;
  };
}
