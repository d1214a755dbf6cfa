/**
 * Reading an exposition for scraping: a reader moves from entry to entry and allocates nothing for a series unless its
 * labels are asked for.
 */
import {
  type Exemplar,
  type FloatHistogram,
  type IntHistogram,
  Labels,
  type MetricType,
  UserError,
} from "@pharos/model";
import { parseGoFloat, quoteBytes } from "./go-syntax.ts";
import { type Lexer, TOKEN_NAMES, type Token } from "./lexer.ts";
import { formatOpenMetricsFloat } from "./number.ts";

/** `series` has a number for its value, `histogram` a native histogram; `type`, `help` and `unit` tell about a family. */
export type EntryKind = "series" | "histogram" | "type" | "help" | "unit" | "comment" | "end";

export interface ExpositionReader {
  /** Moves to the next entry. A UserError with upstream's message when the bytes are not in the format. */
  next(): EntryKind;
  /** A string that is the same for the same series of the same target, and only for it. */
  key(): string;
  /** Labels of the current series or histogram, `le` and `quantile` in their canonical form. */
  labels(): Labels;
  readonly value: number;
  readonly histogram: IntHistogram | FloatHistogram | undefined;
  /** Unix ms; undefined when the sample has none. */
  readonly timestamp: number | undefined;
  /** Exemplars of the current sample, if there are any. */
  readonly exemplars: readonly Exemplar[] | undefined;
  /** Start (created) timestamp of the current sample in Unix ms; 0 when unknown. May look ahead. */
  startTimestamp(): number;
  /** Family of a metadata entry, and what the entry says of it. */
  readonly metric: string;
  readonly text: string;
  readonly type: MetricType;
}

/** `\\`, `\"` and `\n`; any other backslash stays. */
export function unescapeValue(text: string): string {
  return text.includes("\\") ? text.replace(/\\([\\"n])/g, (_all, byte: string) => (byte === "n" ? "\n" : byte)) : text;
}

/** Bounds in labels are stored in one form, whatever the exporter wrote; a text that is no number stays. */
export function canonicalBound(type: MetricType, name: string, value: string): string {
  if (!((type === "histogram" && name === "le") || (type === "summary" && name === "quantile"))) return value;
  try {
    return formatOpenMetricsFloat(parseGoFloat(value));
  } catch {
    return value;
  }
}

export function syntaxError(bytes: Buffer, at: number, message: string): UserError {
  let line = 1;
  let start = 0;
  for (let i = bytes.indexOf(10); i >= 0 && i < at; i = bytes.indexOf(10, i + 1)) {
    line++;
    start = i + 1;
  }
  return new UserError("exposition.syntax", message, { where: { line, column: Math.max(1, at - start + 1) } });
}

/** "expected X, got TOKEN while parsing LINE" as upstream words it: both up to and with the byte that did not fit. */
export function tokenError(lexer: Lexer, lineStart: number, expected: string, got: Token): UserError {
  const { bytes, start, at } = lexer;
  const end = Math.min(bytes.length, at + 1);
  const shown = (from: number): string => quoteBytes(bytes.subarray(from, end));
  return syntaxError(
    bytes,
    at,
    `${expected}, got ${shown(start)} ("${TOKEN_NAMES[got]}") while parsing: ${shown(lineStart)}`,
  );
}

/** The same name twice in one label set is refused when the sample is taken; here the first one found is reported. */
export function labelsOf(pairs: [string, string][]): Labels {
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (seen.has(name)) {
      throw new UserError("exposition.labels", `label name ${JSON.stringify(name)} is not unique: invalid sample`);
    }
    seen.add(name);
  }
  return Labels.fromEntries(pairs);
}
