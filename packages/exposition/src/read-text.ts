/** Reading text 0.0.4 (and 1.0.0, which only allows more names). Messages are upstream's (model/textparse). */
import type { MetricType } from "@pharos/model";
import { NumberSyntaxError, parseFloatBytes, quoteBytes } from "./go-syntax.ts";
import { isDigit, NEWLINE, OPEN, SPACE, TAB, Token } from "./lexer.ts";
import { TextLexer } from "./lexer-text.ts";
import { LineReader } from "./line-reader.ts";
import type { EntryKind } from "./reader.ts";

const TYPES: Readonly<Record<string, MetricType>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  summary: "summary",
  untyped: "unknown",
};

/** The format lets the last line go without its newline. */
function withNewline(bytes: Buffer): Buffer {
  return bytes.length > 0 && bytes[bytes.length - 1] === NEWLINE ? bytes : Buffer.concat([bytes, Buffer.of(NEWLINE)]);
}

export class TextReader extends LineReader<TextLexer> {
  constructor(bytes: Buffer) {
    super(new TextLexer(withNewline(bytes)));
  }

  override next(): EntryKind {
    const { lexer, offsets } = this;
    this.unsplit = false;
    for (;;) {
      this.lineStart = lexer.at;
      offsets.length = 0;
      const token = lexer.next();
      switch (token) {
        case Token.eof:
          return "end";
        case Token.linebreak:
          continue;
        case Token.help:
          return this.#readMetadata("HELP");
        case Token.type:
          return this.#readMetadata("TYPE");
        case Token.comment:
          this.text = this.bytes.toString("utf8", lexer.start, lexer.at);
          this.#expectLinebreak("linebreak expected after comment");
          return "comment";
        case Token.braceOpen:
          offsets.push(-1, -1);
          this.seriesStart = lexer.start;
          this.readLabels(offsets, false, false);
          this.seriesEnd = lexer.at;
          return this.#readSuffix(lexer.next());
        case Token.metricName: {
          offsets.push(lexer.start, lexer.at);
          this.seriesStart = lexer.start;
          this.seriesEnd = lexer.at;
          let following = lexer.next();
          if (following === Token.braceOpen) {
            this.readLabels(offsets, false, false);
            this.seriesEnd = lexer.at;
            following = lexer.next();
          }
          return this.#readSuffix(following);
        }
        default:
          throw this.unexpected("expected a valid start token", token);
      }
    }
  }

  override readSample(lineStart: number, keyEnd: number): boolean {
    const { bytes, lexer } = this;
    let at = keyEnd;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const start = at;
    let byte = bytes[at];
    while (byte !== NEWLINE && byte !== SPACE && byte !== TAB && byte !== OPEN && byte !== 0) byte = bytes[++at];
    const end = at;
    if (start === end || byte === OPEN || byte === 0) return false;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    let timestamp: number | undefined;
    if (bytes[at] !== NEWLINE) {
      const from = at;
      timestamp = 0;
      while (isDigit(bytes[at])) timestamp = timestamp * 10 + bytes[at++] - 48;
      if (at === from || at - from > 15) return false;
      while (bytes[at] === SPACE || bytes[at] === TAB) at++;
      if (bytes[at] !== NEWLINE) return false;
    }
    try {
      this.value = parseFloatBytes(bytes, start, end);
    } catch (error) {
      if (error instanceof NumberSyntaxError) return false;
      throw error;
    }
    this.timestamp = timestamp;
    this.exemplars = undefined;
    this.lineStart = lineStart;
    this.unsplit = true;
    lexer.at = at + 1;
    return true;
  }

  #expectLinebreak(expected: string): void {
    const token = this.lexer.next();
    if (token !== Token.linebreak) throw this.unexpected(expected, token);
  }

  #readMetadata(keyword: "HELP" | "TYPE"): EntryKind {
    const { lexer } = this;
    this.readFamilyName(keyword);
    const token = lexer.next();
    if (token !== Token.text) throw this.fail(`expected text in ${keyword}, got INVALID`);
    this.readText(Math.min(lexer.start + 1, lexer.at), lexer.at, keyword);
    if (keyword === "TYPE") {
      const type = Object.hasOwn(TYPES, this.text) ? TYPES[this.text] : undefined;
      if (!type) throw this.fail(`invalid metric type ${quoteBytes(Buffer.from(this.text))}`);
      this.type = type;
    } else if (this.text.includes("\\")) {
      this.text = this.text.replace(/\\([\\n])/g, (_all, byte: string) => (byte === "n" ? "\n" : byte));
    }
    this.#expectLinebreak("linebreak expected after metadata");
    return keyword === "HELP" ? "help" : "type";
  }

  /** Value and timestamp, from the token behind name and labels on. */
  #readSuffix(token: Token): EntryKind {
    const { lexer } = this;
    if (this.offsets[0] === -1) throw this.fail(`metric name not set while parsing: ${this.shown}`);
    if (token !== Token.value) throw this.unexpected("expected value after metric", token);
    this.value = this.number(lexer.start, lexer.at);
    this.timestamp = undefined;
    const following = lexer.next();
    if (following === Token.timestamp) {
      const digits = this.bytes.toString("latin1", lexer.start, lexer.at);
      if (BigInt(digits) > 0x7fffffffffffffffn) {
        throw this.fail(`strconv.ParseInt: parsing "${digits}": value out of range while parsing: ${this.shown}`);
      }
      this.timestamp = Number(digits);
      this.#expectLinebreak("expected next entry after timestamp");
    } else if (following !== Token.linebreak) throw this.unexpected("expected timestamp or new record", following);
    return "series";
  }
}
