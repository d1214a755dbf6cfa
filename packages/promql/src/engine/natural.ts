/** Natural order of strings: runs of digits compare as numbers, as people expect `node2` before `node10`. */

const CHUNK = /\d+|\D+/g;

/** Negative when `a` comes first. */
export function natural(a: string, b: string): number {
  const left = a.match(CHUNK) ?? [];
  const right = b.match(CHUNK) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    const x = left[i].replace(/^0+(?=\d)/, "");
    const y = right[i].replace(/^0+(?=\d)/, "");
    if (/^\d/.test(x) && /^\d/.test(y)) {
      if (x.length !== y.length) return x.length - y.length;
      if (x !== y) return x < y ? -1 : 1;
      // Equal numbers: the one with fewer leading zeros first.
      return left[i].length - right[i].length;
    }
    return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}
