/** What the readers of both text formats share: the offsets of a series line and its labels. */
import { type Exemplar, type Labels, METRIC_NAME, type MetricType } from "@pharos/model";
import { NumberSyntaxError, parseFloatBytes, quoteBytes } from "./go-syntax.ts";
import { type Lexer, Token } from "./lexer.ts";
import {
  canonicalBound,
  type EntryKind,
  type ExpositionReader,
  labelsOf,
  syntaxError,
  tokenError,
  unescapeValue,
} from "./reader.ts";

export abstract class LineReader<L extends Lexer = Lexer> implements ExpositionReader {
  protected readonly lexer: L;
  protected readonly bytes: Buffer;
  /** Start of the current line or of what is quoted in messages about it. */
  protected lineStart = 0;
  /** Pairs of offsets: the metric's name (-1 while unknown), then name and value of each label, without quotes. */
  protected readonly offsets: number[] = [];
  protected strict = false;
  /** The current line was read by `readSample`. */
  protected unsplit = false;

  /** Bytes `[seriesStart, seriesEnd)` are the name and labels of the current series as written. */
  seriesStart = 0;
  seriesEnd = 0;
  value = 0;
  timestamp: number | undefined;
  exemplars: readonly Exemplar[] | undefined;
  metric = "";
  text = "";
  type: MetricType = "unknown";
  readonly histogram = undefined;

  constructor(lexer: L) {
    this.lexer = lexer;
    this.bytes = lexer.bytes;
  }

  abstract next(): EntryKind;

  startTimestamp(): number {
    return 0;
  }

  /** Offset of what is read next. */
  get offset(): number {
    return this.lexer.at;
  }

  /** Goes on reading at the start of another line. */
  seek(offset: number): void {
    this.lexer.at = offset;
  }

  /**
   * Reads value and timestamp of the series line `[lineStart, keyEnd)` whose labels the caller knows already. False, and
   * nothing has changed, when there is more to it than a number and perhaps a timestamp: then `next` has to read the line.
   */
  abstract readSample(lineStart: number, keyEnd: number): boolean;

  /** Splits the current line into labels when `readSample` left that out; value and timestamp stay. */
  readLine(): void {
    if (!this.unsplit) return;
    const { value, timestamp, exemplars } = this;
    const behind = this.lexer.at;
    this.lexer.at = this.lineStart;
    this.next();
    this.lexer.at = behind;
    this.value = value;
    this.timestamp = timestamp;
    this.exemplars = exemplars;
  }

  key(): string {
    return this.bytes.toString("latin1", this.seriesStart, this.seriesEnd);
  }

  labels(): Labels {
    const { offsets, bytes } = this;
    const text = (i: number): string => unescapeValue(bytes.toString("utf8", offsets[i], offsets[i + 1]));
    const pairs: [string, string][] = [[METRIC_NAME, text(0)]];
    for (let i = 2; i < offsets.length; i += 4) {
      const name = text(i);
      const value = text(i + 2);
      pairs.push([name, this.strict ? value : canonicalBound(this.type, name, value)]);
    }
    return labelsOf(pairs);
  }

  protected fail(message: string): Error {
    return syntaxError(this.bytes, this.lexer.at, message);
  }

  protected unexpected(expected: string, got: Token): Error {
    return tokenError(this.lexer, this.lineStart, expected, got);
  }

  /** The line so far, for messages. */
  protected get shown(): string {
    return quoteBytes(this.bytes.subarray(this.lineStart, this.lexer.at));
  }

  /** A number in `[start, end)`; complaints quote the line so far. */
  protected number(start: number, end: number): number {
    try {
      return parseFloatBytes(this.bytes, start, end);
    } catch (error) {
      if (error instanceof NumberSyntaxError) throw this.fail(`${error.message} while parsing: ${this.shown}`);
      throw error;
    }
  }

  /** Name behind HELP, TYPE or UNIT, without quotes. */
  protected readFamilyName(keyword: string): void {
    const { lexer, bytes } = this;
    const token = lexer.next();
    if (token !== Token.metricName) throw this.unexpected(`expected metric name after ${keyword}`, token);
    const quoted = bytes[lexer.start] === 0x22;
    const name = bytes.toString("utf8", lexer.start + (quoted ? 1 : 0), lexer.at - (quoted ? 1 : 0));
    this.metric = quoted ? unescapeValue(name) : name;
  }

  /** Text of a metadata line in `[start, end)`, which must be UTF-8. */
  protected readText(start: number, end: number, keyword: string): void {
    const slice = this.bytes.subarray(start, end);
    const text = slice.toString("utf8");
    if (keyword === "HELP" && text.includes("\ufffd") && !Buffer.from(text).equals(slice)) {
      throw this.fail(`help text ${quoteBytes(slice)} is not a valid utf8 string`);
    }
    this.text = text;
  }

  /** What stands between braces, up to the closing one. */
  protected readLabels(offsets: number[], isExemplar: boolean, commas: boolean): void {
    const { lexer } = this;
    let token = lexer.next();
    for (;;) {
      if (token === Token.braceClose) return;
      if (token !== Token.labelName && token !== Token.quoted) throw this.unexpected("expected label name", token);
      const quoted = token === Token.quoted;
      const start = lexer.start + (quoted ? 1 : 0);
      const end = lexer.at - (quoted ? 1 : 0);
      token = lexer.next();
      // A quoted string without a value is the metric's name.
      if (quoted && (token === Token.comma || token === Token.braceClose)) {
        if (isExemplar) throw this.unexpected("expected label name", token);
        if (offsets[0] !== -1) throw this.fail(`metric name already set while parsing: ${this.shown}`);
        offsets[0] = start;
        offsets[1] = end;
        if (token === Token.braceClose) return;
        token = lexer.next();
        continue;
      }
      if (token !== Token.equal) throw this.unexpected("expected equal", token);
      token = lexer.next();
      if (token !== Token.labelValue) throw this.unexpected("expected label value", token);
      if (!lexer.ascii) this.#checkUtf8(lexer.start, lexer.at);
      offsets.push(start, end, lexer.start + 1, lexer.at - 1);
      token = lexer.next();
      if (token === Token.comma) {
        token = lexer.next();
        if (this.strict && token === Token.braceClose) throw this.unexpected("expected label name", token);
      } else if (commas && token !== Token.braceClose) throw this.unexpected("expected comma or brace close", token);
    }
  }

  #checkUtf8(start: number, end: number): void {
    const slice = this.bytes.subarray(start, end);
    const text = slice.toString("utf8");
    if (text.includes("\ufffd") && !Buffer.from(text).equals(slice)) {
      throw this.fail(`invalid UTF-8 label value: ${quoteBytes(slice)}`);
    }
  }
}
