/**
 * Reading text 0.0.4 and OpenMetrics for scraping, on the bytes as they came: a reader that moves from entry to entry
 * and allocates nothing for a series line unless its labels are asked for. A scraper that has seen a target before skips
 * the labels altogether (`skipSeries`): an unchanged line costs a compare and a number.
 */
import { type Exemplar, Labels, METRIC_NAME, type MetricType, UserError } from "@pharos/model";
import { formatOpenMetricsFloat } from "./number.ts";

export type EntryKind = "series" | "type" | "help" | "unit" | "end";

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const TYPES: Record<string, MetricType> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  gaugehistogram: "gaugehistogram",
  summary: "summary",
  info: "info",
  stateset: "stateset",
  unknown: "unknown",
};

function isNameStart(byte: number): boolean {
  return (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte === 0x5f || byte === 0x3a;
}

function isNameByte(byte: number): boolean {
  return isNameStart(byte) || (byte >= 48 && byte <= 57);
}

/** A number of plain digits with at most one point is exact as integer divided by a power of ten up to 1e15 / 1e15. */
const POWERS = Float64Array.from({ length: 16 }, (_, i) => 10 ** i);

export class TextReader {
  readonly #bytes: Buffer;
  readonly #openMetrics: boolean;
  #at = 0;
  #ended = false;

  /** Bytes `[seriesStart, seriesEnd)` of the current series line are its name and labels as written. */
  seriesStart = 0;
  seriesEnd = 0;
  value = 0;
  /** Unix ms; undefined when the line has none. */
  timestamp: number | undefined;
  exemplar: Exemplar | undefined;
  /** Family of a metadata entry and what it says. */
  metric = "";
  text = "";
  type: MetricType = "unknown";

  constructor(bytes: Buffer, openMetrics: boolean) {
    this.#bytes = bytes;
    this.#openMetrics = openMetrics;
  }

  /** Byte offset of what is read next. */
  get offset(): number {
    return this.#at;
  }

  /**
   * When the next line is a series whose name and labels are exactly these bytes, reads its value and timestamp and
   * answers true; else changes nothing.
   */
  skipSeries(series: Buffer): boolean {
    const end = this.#at + series.length;
    const bytes = this.#bytes;
    if (end >= bytes.length || (bytes[end] !== SPACE && bytes[end] !== TAB)) return false;
    if (bytes.compare(series, 0, series.length, this.#at, end) !== 0) return false;
    this.seriesStart = this.#at;
    this.seriesEnd = end;
    this.#at = end;
    this.#readSample();
    return true;
  }

  /** Moves to the next entry. A UserError, with line and column, when the bytes are not in the format. */
  next(): EntryKind {
    const bytes = this.#bytes;
    for (;;) {
      if (!this.#openMetrics) this.#skipBlanks();
      if (this.#at >= bytes.length) {
        if (this.#openMetrics && !this.#ended) throw this.#error("data does not end with # EOF");
        return "end";
      }
      if (this.#ended) throw this.#error("unexpected data after # EOF");
      const byte = bytes[this.#at];
      if (byte === NEWLINE) {
        if (this.#openMetrics) throw this.#error("unexpected empty line");
        this.#at++;
        continue;
      }
      if (byte === HASH) {
        const kind = this.#readComment();
        if (kind) return kind;
        continue;
      }
      this.#readSeries();
      this.#readSample();
      return "series";
    }
  }

  /** Labels of the current series, `le` and `quantile` in their canonical form. */
  labels(): Labels {
    const entries: [string, string][] = [];
    const bytes = this.#bytes;
    let at = this.seriesStart;
    while (at < this.seriesEnd && isNameByte(bytes[at])) at++;
    if (at > this.seriesStart) entries.push([METRIC_NAME, bytes.toString("latin1", this.seriesStart, at)]);
    const seen = new Set<string>();
    while (at < this.seriesEnd) {
      const byte = bytes[at];
      if (byte === OPEN || byte === COMMA || byte === SPACE || byte === TAB || byte === CLOSE) {
        at++;
        continue;
      }
      let name: string;
      if (byte === QUOTE) {
        const end = this.#stringEnd(at);
        name = this.#unquote(at, end);
        at = end;
        while (bytes[at] === SPACE || bytes[at] === TAB) at++;
        if (bytes[at] !== EQUALS) {
          // A quoted string without a value is the metric's name.
          entries.push([METRIC_NAME, name]);
          continue;
        }
      } else {
        const start = at;
        while (isNameByte(bytes[at])) at++;
        name = bytes.toString("latin1", start, at);
        while (bytes[at] === SPACE || bytes[at] === TAB) at++;
      }
      at++;
      while (bytes[at] === SPACE || bytes[at] === TAB) at++;
      const end = this.#stringEnd(at);
      if (seen.has(name)) throw this.#error(`label name ${JSON.stringify(name)} is not unique: invalid sample`);
      seen.add(name);
      entries.push([name, this.#unquote(at, end)]);
      at = end;
    }
    return canonical(Labels.fromEntries(entries));
  }

  #error(message: string): UserError {
    let line = 1;
    let start = 0;
    const limit = Math.min(this.#at, this.#bytes.length);
    for (let i = 0; i < limit; i++) {
      if (this.#bytes[i] === NEWLINE) {
        line++;
        start = i + 1;
      }
    }
    const end = this.#bytes.indexOf(NEWLINE, start);
    const shown = this.#bytes.toString("utf8", start, Math.min(end < 0 ? this.#bytes.length : end, start + 120));
    return new UserError("exposition.syntax", `${message} while parsing line ${line}: ${JSON.stringify(shown)}`, {
      where: { line, column: limit - start + 1 },
    });
  }

  #skipBlanks(): void {
    while (this.#bytes[this.#at] === SPACE || this.#bytes[this.#at] === TAB) this.#at++;
  }

  /** `# HELP`, `# TYPE`, `# UNIT`, `# EOF`; undefined for a comment. */
  #readComment(): EntryKind | undefined {
    const bytes = this.#bytes;
    const end = this.#lineEnd();
    const line = bytes.toString("utf8", this.#at, end);
    const lineAt = this.#at;
    const advance = (): void => {
      this.#at = Math.min(end + 1, bytes.length);
    };
    if (this.#openMetrics && line === "# EOF") {
      advance();
      this.#ended = true;
      return undefined;
    }
    const match = /^#[ \t]*(HELP|TYPE|UNIT)[ \t]+(?:"((?:[^"\\]|\\.)*)"|([^ \t"]+))(?:[ \t]+(.*))?$/s.exec(line);
    if (!match || (match[1] === "UNIT" && !this.#openMetrics)) {
      // Prometheus tolerates free comments in OpenMetrics nowhere else than here.
      if (this.#openMetrics && !/^# (HELP|TYPE|UNIT) /.test(line)) {
        this.#at = lineAt;
        throw this.#error(`"INVALID" ${JSON.stringify(line.slice(0, 20))} is not a valid start token`);
      }
      advance();
      return undefined;
    }
    const [, keyword, quoted, bare, rest = ""] = match;
    this.metric = quoted === undefined ? bare : unescapeText(quoted);
    if (keyword === "HELP") {
      this.text = unescapeText(rest);
      advance();
      return "help";
    }
    if (keyword === "UNIT") {
      this.text = rest;
      advance();
      return "unit";
    }
    const word = rest.trim();
    const type = word === "untyped" && !this.#openMetrics ? "unknown" : TYPES[word];
    if (!type) throw this.#error(`invalid metric type ${JSON.stringify(word)}`);
    this.type = type;
    advance();
    return "type";
  }

  #lineEnd(): number {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    return end < 0 ? this.#bytes.length : end;
  }

  /** Checks name and labels and finds their end. */
  #readSeries(): void {
    const bytes = this.#bytes;
    this.seriesStart = this.#at;
    let named = false;
    if (isNameStart(bytes[this.#at])) {
      while (isNameByte(bytes[this.#at])) this.#at++;
      named = true;
    } else if (bytes[this.#at] !== OPEN) {
      throw this.#error(
        `expected a valid start token, got ${JSON.stringify(String.fromCharCode(bytes[this.#at]))} ("INVALID")`,
      );
    }
    let braceAt = this.#at;
    if (!this.#openMetrics) while (bytes[braceAt] === SPACE || bytes[braceAt] === TAB) braceAt++;
    if (bytes[braceAt] === OPEN) {
      this.#at = braceAt + 1;
      named = this.#readLabels(named);
    }
    if (!named) throw this.#error("metric name not set");
    this.seriesEnd = this.#at;
  }

  #readLabels(named: boolean): boolean {
    const bytes = this.#bytes;
    let hasName = named;
    for (;;) {
      this.#skipBlanks();
      const byte = bytes[this.#at];
      if (byte === CLOSE) {
        this.#at++;
        return hasName;
      }
      let quoted = false;
      if (byte === QUOTE) {
        quoted = true;
        this.#at = this.#stringEnd(this.#at);
      } else if (byte !== undefined && isNameStart(byte) && byte !== 0x3a) {
        while (isNameByte(bytes[this.#at])) this.#at++;
      } else
        throw this.#error(`expected label name, got ${JSON.stringify(String.fromCharCode(byte ?? 0))} ("INVALID")`);
      this.#skipBlanks();
      if (bytes[this.#at] === EQUALS) {
        this.#at++;
        this.#skipBlanks();
        if (bytes[this.#at] !== QUOTE) {
          throw this.#error(
            `expected label value, got ${JSON.stringify(String.fromCharCode(bytes[this.#at] ?? 0))} ("INVALID")`,
          );
        }
        this.#at = this.#stringEnd(this.#at);
      } else if (quoted) {
        if (hasName) throw this.#error("metric name already set");
        hasName = true;
      } else
        throw this.#error(
          `expected equal, got ${JSON.stringify(String.fromCharCode(bytes[this.#at] ?? 0))} ("INVALID")`,
        );
      this.#skipBlanks();
      if (bytes[this.#at] === COMMA) this.#at++;
      else if (bytes[this.#at] !== CLOSE) {
        throw this.#error(
          `expected comma or brace close, got ${JSON.stringify(String.fromCharCode(bytes[this.#at] ?? 0))} ("INVALID")`,
        );
      }
    }
  }

  /** Offset behind the closing quote of the string that opens at `at`. */
  #stringEnd(at: number): number {
    const bytes = this.#bytes;
    for (let i = at + 1; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) return i + 1;
      else if (byte === NEWLINE) break;
    }
    this.#at = at;
    throw this.#error("unclosed string");
  }

  #unquote(start: number, end: number): string {
    const slice = this.#bytes.subarray(start + 1, end - 1);
    const text = slice.toString("utf8");
    if (text.includes("\ufffd") && !Buffer.from(text).equals(slice)) throw this.#error("invalid UTF-8 label value");
    return text.includes("\\") ? unescapeText(text) : text;
  }

  /** Value, timestamp and exemplar behind name and labels. */
  #readSample(): void {
    const bytes = this.#bytes;
    this.timestamp = undefined;
    this.exemplar = undefined;
    if (this.#openMetrics && bytes[this.#at] !== SPACE) throw this.#error("expected a space after the series");
    this.#skipBlanks();
    this.value = this.#number("value");
    this.#skipBlanks();
    const byte = bytes[this.#at];
    if (byte !== NEWLINE && byte !== HASH && this.#at < bytes.length) {
      const time = this.#number("timestamp");
      if (!Number.isFinite(time)) throw this.#error(`invalid timestamp ${time}`);
      this.timestamp = this.#openMetrics ? Math.round(time * 1000) : time;
      if (!this.#openMetrics && !Number.isInteger(time))
        throw this.#error("timestamp is not a whole number of milliseconds");
      this.#skipBlanks();
    }
    if (bytes[this.#at] === HASH && this.#openMetrics) this.#readExemplar();
    if (this.#at < bytes.length && bytes[this.#at] !== NEWLINE) throw this.#error("expected next entry after value");
    if (this.#openMetrics && this.#at >= bytes.length) throw this.#error("data does not end with # EOF");
    this.#at++;
  }

  #number(what: string): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let digits = 0;
    let mantissa = 0;
    let point = -1;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    for (; ; at++) {
      const byte = bytes[at];
      if (byte >= 48 && byte <= 57) {
        mantissa = mantissa * 10 + byte - 48;
        digits++;
      } else if (byte === 0x2e && point < 0) point = at;
      else break;
    }
    const end = bytes[at];
    const ends = at >= bytes.length || end === NEWLINE || end === SPACE || end === TAB;
    if (ends && digits > 0 && digits <= 15) {
      this.#at = at;
      const value = point < 0 ? mantissa : mantissa / POWERS[at - point - 1];
      return negative ? -value : value;
    }
    while (at < bytes.length && bytes[at] !== NEWLINE && bytes[at] !== SPACE && bytes[at] !== TAB) at++;
    const text = bytes.toString("latin1", start, at);
    this.#at = at;
    const value = parseGoFloat(text);
    if (value === undefined) {
      this.#at = start;
      throw this.#error(
        text === ""
          ? `expected ${what} after metric, got "\\n" ("INVALID")`
          : `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    }
    return value;
  }

  #readExemplar(): void {
    const bytes = this.#bytes;
    const end = this.#lineEnd();
    const line = bytes.toString("utf8", this.#at, end);
    const match = /^# \{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} (\S+)(?: (\S+))?$/.exec(line);
    if (!match) throw this.#error("invalid exemplar");
    const labels: [string, string][] = [];
    for (const [, name, value] of match[1].matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g))
      labels.push([name, unescapeText(value)]);
    const value = parseGoFloat(match[2]);
    const time = match[3] === undefined ? undefined : parseGoFloat(match[3]);
    if (value === undefined || (match[3] !== undefined && (time === undefined || !Number.isFinite(time)))) {
      throw this.#error("invalid exemplar value or timestamp");
    }
    this.exemplar = {
      labels: Labels.fromEntries(labels),
      value,
      timestamp: time === undefined ? undefined : Math.round(time * 1000),
    };
    this.#at = end;
  }
}

/** Go's ParseFloat for decimal forms; hexadecimal and underscores are refused, as Prometheus' lexer does. */
function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

/** `\\`, `\"` and `\n`; any other backslash stays. */
function unescapeText(text: string): string {
  return text.replace(/\\([\\"n])/g, (_all, byte: string) => (byte === "n" ? "\n" : byte));
}

/** Version 3 stores bucket bounds and quantiles in one form, whatever the exporter wrote. */
function canonical(labels: Labels): Labels {
  const name = labels.metricName;
  let out = labels;
  for (const bound of ["le", "quantile"]) {
    const text = labels.get(bound);
    if (text === "" || (bound === "le" && !name.endsWith("_bucket"))) continue;
    const value = parseGoFloat(text);
    if (value !== undefined) out = out.with(bound, formatOpenMetricsFloat(value));
  }
  return out;
}
