/** Cutting texts to what a receiver accepts, with `…` in place of what is gone. */

const MARK = "…";
const MARK_BYTES = 3;

/** At most `max` code points. */
export function truncateRunes(text: string, max: number): string {
  if (text.length <= max) return text;
  const runes = [...text];
  if (runes.length <= max) return text;
  return max <= MARK_BYTES ? runes.slice(0, max).join("") : runes.slice(0, max - 1).join("") + MARK;
}

/** At most `max` bytes of UTF-8, never half a character. */
export function truncateBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  if (max < MARK_BYTES) return ".".repeat(max);
  let size = 0;
  let kept = "";
  for (const rune of text) {
    size += Buffer.byteLength(rune);
    if (size > max - MARK_BYTES) break;
    kept += rune;
  }
  return kept + MARK;
}
