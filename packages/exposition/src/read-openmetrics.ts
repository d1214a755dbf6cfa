/** Reading OpenMetrics 1.0 (and 0.0.1) as leniently as upstream does for scraping, with its messages. */
import { type Exemplar, Labels, type MetricType } from "@pharos/model";
import { NumberSyntaxError, parseFloatBytes, quoteBytes } from "./go-syntax.ts";
import { NEWLINE, SPACE, Token } from "./lexer.ts";
import { OpenMetricsLexer } from "./lexer-openmetrics.ts";
import { LineReader } from "./line-reader.ts";
import { type EntryKind, unescapeValue } from "./reader.ts";

const TYPES: Readonly<Record<string, MetricType>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  gaugehistogram: "gaugehistogram",
  summary: "summary",
  info: "info",
  stateset: "stateset",
  unknown: "unknown",
};
const NO_END = "data does not end with # EOF";
const HAS_START: ReadonlySet<MetricType> = new Set(["counter", "summary", "histogram"]);

/** `%f` of what is no finite number. */
function describeTime(value: number): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

export interface OpenMetricsOptions {
  /** `_created` lines serve `startTimestamp` only and are no series of their own. */
  skipCreated?: boolean;
  /** No comma may trail, and bounds stay as they were written. */
  strict?: boolean;
}

export class OpenMetricsReader extends LineReader<OpenMetricsLexer> {
  readonly #skipCreated: boolean;
  readonly #exemplarOffsets: number[] = [];
  /** Last answer of `startTimestamp`, and the series (without bounds) it is of. */
  #start = { identity: "", timestamp: 0 };

  constructor(bytes: Buffer, options: OpenMetricsOptions = {}) {
    super(new OpenMetricsLexer(bytes));
    this.#skipCreated = options.skipCreated ?? false;
    this.strict = options.strict ?? false;
  }

  override next(): EntryKind {
    for (;;) {
      const kind = this.#entry();
      if (kind !== "series" || !this.#skipCreated || !this.#isCreated()) return kind;
    }
  }

  override readSample(lineStart: number, keyEnd: number): boolean {
    const { bytes, lexer } = this;
    if (bytes[keyEnd] !== SPACE) return false;
    const start = keyEnd + 1;
    const end = bytes.indexOf(NEWLINE, start);
    if (end <= start) return false;
    for (let i = start; i < end; i++) if (bytes[i] === SPACE || bytes[i] === 0) return false;
    try {
      this.value = parseFloatBytes(bytes, start, end);
    } catch (error) {
      if (error instanceof NumberSyntaxError) return false;
      throw error;
    }
    this.timestamp = undefined;
    this.exemplars = undefined;
    this.lineStart = lineStart;
    this.unsplit = true;
    lexer.at = end + 1;
    return true;
  }

  /**
   * Looks ahead for the `_created` line of the current metric, as it stands behind the metric's other samples. The answer
   * is kept, so that a histogram's buckets cost one look.
   */
  override startTimestamp(): number {
    if (!HAS_START.has(this.type)) return 0;
    const identity = this.#identity(/_(?:total|bucket|sum|count|created)$/);
    if (identity === this.#start.identity) return this.#start.timestamp;
    const ahead = new OpenMetricsReader(this.bytes);
    ahead.lexer.at = this.lexer.at;
    ahead.type = this.type;
    let timestamp = 0;
    try {
      while (ahead.#entry() === "series" && ahead.#identity(/_(?:total|bucket|sum|count|created)$/) === identity) {
        if (!ahead.#isCreated()) continue;
        timestamp = Math.trunc(ahead.value * 1000);
        break;
      }
    } catch {
      // The line that cannot be read is reported when the reader itself gets there.
    }
    this.#start = { identity, timestamp };
    return timestamp;
  }

  /** Family and labels of the current series without those that differ inside one metric. */
  #identity(suffix: RegExp): string {
    const { offsets, bytes, type } = this;
    const bound = type === "histogram" ? "le" : "quantile";
    const parts = [bytes.toString("latin1", offsets[0], offsets[1]).replace(suffix, "")];
    for (let i = 2; i < offsets.length; i += 4) {
      const name = bytes.toString("latin1", offsets[i], offsets[i + 1]);
      if (name !== bound || type === "counter")
        parts.push(name, bytes.toString("latin1", offsets[i + 2], offsets[i + 3]));
    }
    return parts.join("\u0000");
  }

  #isCreated(): boolean {
    const { offsets, bytes } = this;
    return HAS_START.has(this.type) && bytes.toString("latin1", offsets[0], offsets[1]).endsWith("_created");
  }

  #entry(): EntryKind {
    const { lexer, offsets } = this;
    this.unsplit = false;
    this.lineStart = lexer.at;
    offsets.length = 0;
    this.exemplars = undefined;
    const token = lexer.next();
    switch (token) {
      case Token.eofWord:
        if (lexer.next() !== Token.eof) throw this.fail("unexpected data after # EOF");
        return "end";
      case Token.eof:
        throw this.fail(NO_END);
      case Token.help:
        return this.#readMetadata("HELP");
      case Token.type:
        return this.#readMetadata("TYPE");
      case Token.unit:
        return this.#readMetadata("UNIT");
      case Token.braceOpen:
        offsets.push(-1, -1);
        this.seriesStart = lexer.start;
        this.readLabels(offsets, false, true);
        this.seriesEnd = lexer.at;
        this.#readEnd(lexer.next());
        return "series";
      case Token.metricName: {
        offsets.push(lexer.start, lexer.at);
        this.seriesStart = lexer.start;
        this.seriesEnd = lexer.at;
        let following = lexer.next();
        if (following === Token.braceOpen) {
          this.readLabels(offsets, false, true);
          this.seriesEnd = lexer.at;
          following = lexer.next();
        }
        this.#readEnd(following);
        return "series";
      }
      default:
        throw this.unexpected("expected a valid start token", token);
    }
  }

  #readMetadata(keyword: "HELP" | "TYPE" | "UNIT"): EntryKind {
    const { lexer } = this;
    this.readFamilyName(keyword);
    if (lexer.next() !== Token.text) throw this.fail(`expected text in ${keyword}`);
    this.readText(lexer.start + 1, lexer.at - 1, keyword);
    const { text, metric } = this;
    switch (keyword) {
      case "HELP":
        this.text = unescapeValue(text);
        return "help";
      case "TYPE":
        if (!Object.hasOwn(TYPES, text)) throw this.fail(`invalid metric type ${quoteBytes(Buffer.from(text))}`);
        this.type = TYPES[text];
        return "type";
      case "UNIT":
        if (text !== "" && !metric.endsWith(`_${text}`)) {
          const quote = (value: string): string => quoteBytes(Buffer.from(value));
          throw this.fail(`unit ${quote(text)} not a suffix of metric ${quote(metric)}`);
        }
        return "unit";
    }
  }

  #readValue(token: Token, after: string): number {
    if (token !== Token.value) throw this.unexpected(`expected value after ${after}`, token);
    return this.number(this.lexer.start + 1, this.lexer.at);
  }

  /** Unix ms of the current timestamp token; a float of seconds is exact enough for milliseconds. */
  #readTime(what: string): number {
    const seconds = this.number(this.lexer.start + 1, this.lexer.at);
    if (!Number.isFinite(seconds)) throw this.fail(`invalid ${what} ${describeTime(seconds)}`);
    return Math.trunc(seconds * 1000);
  }

  /** Value, timestamp and exemplar, from the token behind name and labels on. */
  #readEnd(token: Token): void {
    const { lexer } = this;
    if (this.offsets[0] === -1) throw this.fail(`metric name not set while parsing: ${this.shown}`);
    this.value = this.#readValue(token, "metric");
    this.timestamp = undefined;
    const following = lexer.next();
    if (following === Token.eof) throw this.fail(NO_END);
    if (following === Token.comment) this.#readExemplar();
    else if (following === Token.timestamp) {
      this.timestamp = this.#readTime("timestamp");
      const last = lexer.next();
      if (last === Token.comment) this.#readExemplar();
      else if (last !== Token.linebreak) throw this.unexpected("expected next entry after timestamp", last);
    }
    // Anything else is reported as the start of the next entry.
  }

  #readExemplar(): void {
    const { lexer, bytes } = this;
    const offsets = this.#exemplarOffsets;
    offsets.length = 0;
    this.readLabels(offsets, true, true);
    const value = this.#readValue(lexer.next(), "exemplar labels");
    let timestamp: number | undefined;
    const token = lexer.next();
    if (token === Token.eof) throw this.fail(NO_END);
    if (token === Token.timestamp) {
      timestamp = this.#readTime("exemplar timestamp");
      const last = lexer.next();
      if (last !== Token.linebreak) throw this.unexpected("expected next entry after exemplar timestamp", last);
    } else if (token !== Token.linebreak) throw this.unexpected("expected timestamp or comment", token);
    const text = (i: number): string => unescapeValue(bytes.toString("utf8", offsets[i], offsets[i + 1]));
    const entries: [string, string][] = [];
    for (let i = 0; i < offsets.length; i += 4) entries.push([text(i), text(i + 2)]);
    const exemplar: Exemplar = { labels: Labels.fromEntries(entries), value, timestamp };
    this.exemplars = [exemplar];
  }
}
