/** Metric and label names beyond the classic character set: validity, and the schemes that bring them back into it. */
export type EscapingScheme = "allow-utf-8" | "underscores" | "dots" | "values";
export const ESCAPING_SCHEMES: readonly EscapingScheme[] = ["allow-utf-8", "underscores", "dots", "values"];

const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isLegacyMetricName(name: string): boolean {
  return LEGACY_METRIC.test(name);
}

export function isLegacyLabelName(name: string): boolean {
  return LEGACY_LABEL.test(name);
}

function isLegacyRune(rune: string, first: boolean): boolean {
  return first ? /^[a-zA-Z_:]$/.test(rune) : /^[a-zA-Z0-9_:]$/.test(rune);
}

/** A name in the characters every scraper takes (common/model.EscapeName). */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (name === "" || scheme === "allow-utf-8" || (scheme !== "dots" && isLegacyMetricName(name))) return name;
  let out = scheme === "values" ? "U__" : "";
  let first = true;
  for (const rune of name) {
    const legacy = isLegacyRune(rune, first);
    first = false;
    if (scheme === "underscores") out += legacy ? rune : "_";
    else if (rune === "_") out += "__";
    else if (scheme === "dots") out += rune === "." ? "_dot_" : legacy ? rune : "__";
    else if (legacy) out += rune;
    else out += rune.isWellFormed() ? `_${rune.codePointAt(0)!.toString(16)}_` : "_FFFD_";
  }
  return out;
}

/** What was escaped; a name that is no escaped one, or cannot be brought back, stays as it is. */
export function unescapeName(name: string, scheme: EscapingScheme): string {
  if (scheme === "dots") return name.replaceAll("_dot_", ".").replaceAll("__", "_");
  if (scheme !== "values" || !name.startsWith("U__")) return name;
  let out = "";
  for (let i = 3; i < name.length; i++) {
    if (name[i] !== "_") {
      out += name[i];
      continue;
    }
    if (name[i + 1] === "_") {
      out += "_";
      i++;
      continue;
    }
    const match = /^_([0-9a-fA-F]{1,6})_/.exec(name.slice(i));
    const codePoint = match ? Number.parseInt(match[1], 16) : Number.NaN;
    if (!match || codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) return name;
    out += String.fromCodePoint(codePoint);
    i += match[0].length - 1;
  }
  return out;
}
