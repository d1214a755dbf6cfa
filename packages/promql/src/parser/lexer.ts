/**
 * Cuts a query into tokens. The language is context dependent (inside braces no keywords, inside brackets durations),
 * and the contexts do not depend on the grammar, so the whole input is cut at once. A lexical error is the last token.
 */
import { AGGREGATE_OPS } from "./ast.ts";
import { describeRune, quote, quoteRune } from "./text.ts";

export type TokenType =
  | "eof"
  | "error"
  | "identifier"
  /** A name with a colon. */
  | "metricIdentifier"
  | "string"
  | "number"
  | "duration"
  /** `text` of the token in lower case, for operators, punctuation and keywords. */
  | "symbol"
  | "keyword";

export interface Token {
  type: TokenType;
  /** Canonical form of symbols and keywords; "" otherwise. */
  id: string;
  /** As written; the message of an error. */
  text: string;
  start: number;
  end: number;
}

const OPERATOR_WORDS = new Set(["and", "or", "unless", "atan2"]);
const MODIFIER_WORDS = new Set([
  "offset",
  "smoothed",
  "anchored",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "fill",
  "fill_left",
  "fill_right",
  "bool",
]);
const CONTEXT_WORDS = new Set(["start", "end", "step", "range", "max_of", "min_of"]);
const DURATION_WORDS = new Set(["step", "range", "max_of", "min_of"]);
const DURATION_WORD_START = /[srm]/i;
const OPERATOR_SYMBOLS = new Set([
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "==",
  "!=",
  "<=",
  "<",
  ">=",
  ">",
  "</",
  ">/",
  "=~",
  "!~",
  "@",
]);

/** How a token is named in an error message. */
export function describeToken(token: Token): string {
  switch (token.type) {
    case "eof":
      return "end of input";
    case "error":
      return token.text;
    case "identifier":
      return `identifier ${quote(token.text)}`;
    case "metricIdentifier":
      return `metric identifier ${quote(token.text)}`;
    case "symbol":
      return OPERATOR_SYMBOLS.has(token.id) ? `<op:${token.text}>` : shorten(token.text);
    case "keyword":
      if (OPERATOR_WORDS.has(token.id)) return `<op:${token.text}>`;
      if (AGGREGATE_OPS.has(token.id)) return `<aggr:${token.text}>`;
      return MODIFIER_WORDS.has(token.id) ? `<${token.text}>` : shorten(token.text);
    default:
      return `${token.type} ${shorten(token.text)}`;
  }
}

function shorten(text: string): string {
  const runes = [...text];
  return runes.length > 10 ? `${quote(runes.slice(0, 10).join(""))}...` : quote(text);
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}
function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}
function isAlpha(char: string): boolean {
  return char === "_" || (char >= "a" && char <= "z") || (char >= "A" && char <= "Z");
}
function isAlphaNumeric(char: string): boolean {
  return isAlpha(char) || isDigit(char);
}

class LexError extends Error {}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #input: string;
  #pos = 0;
  #start = 0;
  #parens = 0;
  #bracketOpen = false;
  #gotColon = false;
  #gotDuration = false;

  constructor(input: string) {
    this.#input = input;
  }

  run(): Token[] {
    try {
      this.#expression();
    } catch (error) {
      if (!(error instanceof LexError)) throw error;
      this.tokens.push({
        type: "error",
        id: "",
        text: error.message,
        start: this.#start,
        end: this.#input.length,
      });
    }
    return this.tokens;
  }

  /** The character at the position, "" at the end. */
  get #char(): string {
    return this.#input[this.#pos] ?? "";
  }

  /** The whole code point at the position. */
  #rune(at = this.#pos): string {
    const code = this.#input.codePointAt(at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #emit(type: TokenType, id = ""): void {
    this.tokens.push({ type, id, text: this.#input.slice(this.#start, this.#pos), start: this.#start, end: this.#pos });
    this.#start = this.#pos;
  }

  #symbol(length: number): void {
    this.#pos = this.#start + length;
    this.#emit("symbol", this.#input.slice(this.#start, this.#pos));
  }

  #fail(message: string): never {
    throw new LexError(message);
  }

  /** Fails in place of the token just made. */
  #refuse(message: string): never {
    this.tokens.pop();
    this.#fail(message);
  }

  /** Skips spaces and comments; true when something is left. */
  #skip(): boolean {
    for (;;) {
      while (isSpace(this.#char)) this.#pos++;
      if (this.#char !== "#") break;
      while (this.#pos < this.#input.length && !/[\r\n]/.test(this.#input[this.#pos])) this.#pos++;
    }
    this.#start = this.#pos;
    return this.#pos < this.#input.length;
  }

  #expression(): void {
    while (this.#skip()) {
      const char = this.#char;
      const next = this.#input[this.#pos + 1] ?? "";
      if (isDigit(char) || (char === "." && isDigit(next))) this.#numberOrDuration();
      else if (char === '"' || char === "'" || char === "`") this.#string(char);
      else if (isAlpha(char) || char === ":") this.#word(char);
      else if (char === "{") {
        this.#symbol(1);
        this.#braces();
      } else if (char === "[") {
        if (this.#bracketOpen) this.#fail("unexpected left bracket '['");
        this.#gotColon = false;
        this.#gotDuration = false;
        this.#symbol(1);
        while (isSpace(this.#char)) this.#pos++;
        this.#start = this.#pos;
        this.#bracketOpen = true;
        this.#durationExpression();
      } else if (char === "]") {
        if (!this.#bracketOpen) this.#fail("unexpected right bracket ']'");
        this.#symbol(1);
        this.#bracketOpen = false;
      } else if (char === "(" || char === ")") this.#paren(char);
      else this.#operator(char, next);
    }
    if (this.#parens !== 0) this.#fail("unclosed left parenthesis");
    if (this.#bracketOpen) this.#fail("unclosed left bracket");
    this.#emit("eof");
  }

  #paren(char: string): void {
    this.#symbol(1);
    this.#parens += char === "(" ? 1 : -1;
    if (this.#parens < 0) this.#refuse("unexpected right parenthesis ')'");
  }

  #operator(char: string, next: string): void {
    if (char === "=") {
      if (next === "~") {
        this.#pos++;
        this.#fail("unexpected character after '=': '~'");
      }
      this.#symbol(next === "=" ? 2 : 1);
    } else if (char === "!") {
      if (next !== "=") this.#fail(`unexpected character after '!': ${quoteRune(this.#rune(this.#pos + 1))}`);
      this.#symbol(2);
    } else if (char === "<" || char === ">") this.#symbol(next === "=" || next === "/" ? 2 : 1);
    else if (",*/%+-^@".includes(char)) this.#symbol(1);
    else this.#fail(`unexpected character: ${quoteRune(this.#rune())}`);
  }

  #word(char: string): void {
    if (this.#bracketOpen) {
      if (char === ":") {
        if (this.#gotColon) this.#fail("unexpected colon ':'");
        this.#symbol(1);
        this.#gotColon = true;
        return;
      }
      if (DURATION_WORD_START.test(char) && this.#durationWord()) return;
      this.#fail(`unexpected character: ${quoteRune(char)}, expected ':'`);
    }
    while (isAlphaNumeric(this.#char) || this.#char === ":") this.#pos++;
    const word = this.#input.slice(this.#start, this.#pos);
    const lower = word.toLowerCase();
    if (lower === "inf" || lower === "nan") this.#emit("number");
    else if (lower === "fill" || lower === "fill_left" || lower === "fill_right") {
      // These became keywords late and stay usable as metric names.
      if (/^[ \t\r\n]*\(/.test(this.#input.slice(this.#pos))) this.#emit("keyword", lower);
      else this.#emit("identifier");
    } else if (
      AGGREGATE_OPS.has(lower) ||
      OPERATOR_WORDS.has(lower) ||
      MODIFIER_WORDS.has(lower) ||
      CONTEXT_WORDS.has(lower)
    ) {
      this.#emit("keyword", lower);
    } else this.#emit(word.includes(":") ? "metricIdentifier" : "identifier");
  }

  #durationWord(): boolean {
    while (isAlpha(this.#char)) this.#pos++;
    const word = this.#input.slice(this.#start, this.#pos).toLowerCase();
    if (!DURATION_WORDS.has(word)) return false;
    this.#emit("keyword", word);
    return true;
  }

  /** The beginning of `[…]`: arithmetic on durations. After the first number the general rules go on. */
  #durationExpression(): void {
    for (;;) {
      while (isSpace(this.#char)) this.#pos++;
      this.#start = this.#pos;
      const char = this.#char;
      if (char === "") this.#fail("unexpected end of input in duration expression");
      if (char === "]") {
        this.#symbol(1);
        this.#bracketOpen = false;
        this.#gotColon = false;
        return;
      }
      if (char === ":") {
        this.#symbol(1);
        if (!this.#gotDuration) this.#refuse("unexpected colon before duration in duration expression");
        this.#gotColon = true;
      } else if (char === "(" || char === ")") this.#paren(char);
      else if ("+-*/%^,".includes(char)) this.#symbol(1);
      else if (DURATION_WORD_START.test(char)) {
        if (!this.#durationWord()) this.#fail(`unexpected character in duration expression: ${quoteRune(char)}`);
      } else if (isDigit(char) || (char === "." && isDigit(this.#input[this.#pos + 1] ?? ""))) {
        this.#gotDuration = true;
        this.#numberOrDuration();
        return;
      } else this.#fail(`unexpected character in duration expression: ${quoteRune(this.#rune())}`);
    }
  }

  #braces(): void {
    while (this.#skip()) {
      const char = this.#char;
      const next = this.#input[this.#pos + 1] ?? "";
      if (isAlpha(char)) {
        while (isAlphaNumeric(this.#char)) this.#pos++;
        this.#emit("identifier");
      } else if (char === ",") this.#symbol(1);
      else if (char === '"' || char === "'" || char === "`") this.#string(char);
      else if (char === "=") this.#symbol(next === "~" ? 2 : 1);
      else if (char === "!") {
        if (next !== "~" && next !== "=") {
          this.#fail(`unexpected character after '!' inside braces: ${quoteRune(this.#rune(this.#pos + 1))}`);
        }
        this.#symbol(2);
      } else if (char === "{") this.#fail("unexpected left brace '{'");
      else if (char === "}") {
        this.#symbol(1);
        return;
      } else this.#fail(`unexpected character inside braces: ${quoteRune(this.#rune())}`);
    }
    this.#fail("unexpected end of input inside braces");
  }

  #string(quoteChar: string): void {
    this.#pos++;
    for (;;) {
      const char = this.#char;
      if (char === "") {
        this.#fail(quoteChar === "`" ? "unterminated raw string" : "unterminated quoted string");
      }
      if (char === quoteChar) break;
      if (char >= "\ud800" && char <= "\udfff") {
        if (!this.#rune().isWellFormed()) this.#fail("invalid UTF-8 rune");
        this.#pos++;
      }
      if (quoteChar === "`") this.#pos++;
      else if (char === "\n") this.#fail("unterminated quoted string");
      else if (char === "\\") this.#escape(quoteChar);
      else this.#pos++;
    }
    this.#pos++;
    this.#emit("string");
  }

  #escape(quoteChar: string): void {
    this.#pos++;
    const char = this.#char;
    if (char === "") this.#fail("escape sequence not terminated");
    if ("abfnrtv\\".includes(char) || char === quoteChar) {
      this.#pos++;
      return;
    }
    let size: number;
    let base: number;
    let max: number;
    if (char >= "0" && char <= "7") [size, base, max] = [3, 8, 255];
    else if (char === "x") [size, base, max] = [2, 16, 255];
    else if (char === "u") [size, base, max] = [4, 16, 0x10ffff];
    else if (char === "U") [size, base, max] = [8, 16, 0x10ffff];
    else this.#fail(`unknown escape sequence ${describeRune(this.#rune())}`);
    if (base === 16) this.#pos++;
    let code = 0;
    for (let i = 0; i < size; i++) {
      const digit = Number.parseInt(this.#char, base);
      if (Number.isNaN(digit)) {
        if (this.#char === "") this.#fail("escape sequence not terminated");
        this.#fail(`illegal character ${describeRune(this.#rune())} in escape sequence`);
      }
      code = code * base + digit;
      this.#pos++;
    }
    if (code > max || (code >= 0xd800 && code < 0xe000)) {
      this.#fail("escape sequence is an invalid Unicode code point");
    }
  }

  #numberOrDuration(): void {
    if (this.#number()) {
      this.#emit("number");
      return;
    }
    if (this.#restOfDuration()) {
      this.#emit("duration");
      return;
    }
    // Upstream's lexer has eaten the character that it could not use.
    this.#fail(`bad number or duration syntax: ${quote(this.#input.slice(this.#start, this.#pos))}`);
  }

  #accept(chars: string): boolean {
    if (this.#char === "" || !chars.includes(this.#char)) return false;
    this.#pos++;
    return true;
  }

  /** Whether a unit and further number-unit pairs follow; wrong units and orders are found when it is evaluated. */
  #restOfDuration(): boolean {
    if (!this.#accept("smhdwy")) return false;
    this.#accept("s");
    while (isDigit(this.#char)) {
      while (isDigit(this.#char)) this.#pos++;
      if (!this.#accept("smhdw")) return false;
      this.#accept("s");
    }
    if (!isAlphaNumeric(this.#char)) return true;
    this.#pos++;
    return false;
  }

  /** Eats what may be a number, false when it is none; the value is checked by the parser. */
  #number(): boolean {
    let digits = "0123456789";
    if (this.#accept("0") && this.#accept("xX")) {
      this.#accept("_");
      digits = "0123456789abcdefABCDEF";
    }
    this.#accept(".");
    this.#accept(digits);
    let dot = false;
    let exponent = false;
    while (this.#char !== "" && `${digits}._eE`.includes(this.#char)) {
      if (this.#char === "." && dot) {
        this.#pos++;
        return false;
      }
      if ((this.#char === "e" || this.#char === "E") && exponent) {
        this.#pos++;
        return false;
      }
      if (this.#accept(".")) {
        dot = true;
        if (this.#accept("_.") || digits.length > 10) return false;
      } else if (this.#accept("eE")) {
        exponent = true;
        this.#accept("+-");
        if (this.#accept("._eE") || this.#char === "") return false;
      } else if (this.#accept("_")) {
        if (this.#accept("._eE") || this.#char === "") return false;
      } else while (this.#char !== "" && digits.includes(this.#char)) this.#pos++;
    }
    return !isAlphaNumeric(this.#char);
  }
}

/** All tokens of the input, ending in one of type `eof` or `error`. */
export function tokenize(input: string): Token[] {
  return new Lexer(input).run();
}
