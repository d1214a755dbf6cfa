/** Tokens of a template: text outside `{{ }}` as it is, inside it Go's lexemes. Semantics: Go's text/template/parse. */
import { isPrintable, quote } from "./text/quote.ts";
import { byteLength } from "./text/utf8.ts";

export type TokenKind =
  | "error"
  | "bool"
  | "char"
  | "charconst"
  | "comment"
  | "complex"
  | "="
  | ":="
  | "eof"
  | "field"
  | "identifier"
  | "left delim"
  | "("
  | "number"
  | "pipe"
  | "raw string"
  | "right delim"
  | ")"
  | "space"
  | "string"
  | "text"
  | "variable"
  | "."
  | "nil"
  | Keyword;
export type Keyword = "block" | "break" | "continue" | "define" | "else" | "end" | "if" | "range" | "template" | "with";

export const KEYWORDS: ReadonlySet<string> = new Set<Keyword>([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);

export interface Token {
  kind: TokenKind;
  /** Index in the template's text where it starts. */
  pos: number;
  /** The text; for an error its message. */
  text: string;
  /** 1-based line where it starts. */
  line: number;
}

/** A token as messages show it. */
export function describeToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (KEYWORDS.has(token.kind) || token.kind === "." || token.kind === "nil") return `<${token.text}>`;
  // Counted in bytes, cut in characters.
  return byteLength(token.text) > 10
    ? `${quote([...token.text.slice(0, 20)].slice(0, 10).join(""))}...`
    : quote(token.text);
}

const LEFT = "{{";
const RIGHT = "}}";
const SPACE = " \t\r\n";
const WORD = /[\p{L}\p{Nd}_]/u;

function isSpace(char: string | undefined): boolean {
  return char !== undefined && char !== "" && SPACE.includes(char);
}

export interface LexOptions {
  /** `break` and `continue` are keywords unless functions have these names. */
  breakIsWord?: boolean;
  continueIsWord?: boolean;
  comments?: boolean;
}

export class Lexer {
  readonly #input: string;
  readonly #options: LexOptions;
  readonly #tokens: Token[] = [];
  #next = 0;
  #pos = 0;
  #start = 0;
  #line = 1;
  #startLine = 1;
  #inside = false;
  #parens = 0;
  #done = false;

  constructor(input: string, options: LexOptions = {}) {
    this.#input = input;
    this.#options = options;
  }

  /** The next token; after the end or an error, the end again. */
  next(): Token {
    while (this.#next >= this.#tokens.length) {
      this.#tokens.length = 0;
      this.#next = 0;
      if (this.#done) return { kind: "eof", pos: this.#pos, text: "EOF", line: this.#startLine };
      if (this.#inside) this.#action();
      else this.#text();
    }
    return this.#tokens[this.#next++];
  }

  #emit(kind: TokenKind): void {
    const text = this.#input.slice(this.#start, this.#pos);
    this.#tokens.push({ kind, pos: this.#start, text, line: this.#startLine });
    this.#ignore(text);
    if (kind === "eof" || kind === "error") this.#done = true;
  }

  /** Drops what was read; counts its lines. */
  #ignore(text = this.#input.slice(this.#start, this.#pos)): void {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#line++;
    this.#start = this.#pos;
    this.#startLine = this.#line;
  }

  #error(message: string): void {
    this.#tokens.push({ kind: "error", pos: this.#start, text: message, line: this.#startLine });
    this.#start = this.#pos;
    this.#done = true;
  }

  #at(offset = 0): string {
    return this.#input[this.#pos + offset] ?? "";
  }

  #char(): string {
    const code = this.#input.codePointAt(this.#pos);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #text(): void {
    const input = this.#input;
    const found = input.indexOf(LEFT, this.#pos);
    if (found < 0) {
      this.#pos = input.length;
      if (this.#pos > this.#start) this.#emit("text");
      this.#emit("eof");
      return;
    }
    let end = found;
    if (input[found + 2] === "-" && isSpace(input[found + 3])) {
      while (end > this.#pos && isSpace(input[end - 1])) end--;
    }
    this.#pos = end;
    if (this.#pos > this.#start) this.#emit("text");
    this.#pos = found;
    this.#ignore();
    this.#leftDelimiter();
  }

  #leftDelimiter(): void {
    const trims = this.#at(2) === "-" && isSpace(this.#at(3));
    const marker = trims ? 2 : 0;
    if (this.#input.startsWith("/*", this.#pos + 2 + marker)) {
      this.#pos += 2 + marker;
      this.#ignore();
      this.#comment();
      return;
    }
    this.#pos += 2;
    this.#emit("left delim");
    this.#pos += marker;
    this.#ignore();
    this.#inside = true;
    this.#parens = 0;
  }

  #comment(): void {
    const end = this.#input.indexOf("*/", this.#pos + 2);
    if (end < 0) {
      this.#error("unclosed comment");
      return;
    }
    this.#pos = end + 2;
    const close = this.#rightDelimiter();
    if (!close) {
      this.#error("comment ends before closing delimiter");
      return;
    }
    if (this.#options.comments) this.#emit("comment");
    else this.#ignore();
    this.#closeAction(close);
  }

  /** Length of the closing delimiter that starts here, and whether it trims; undefined when there is none. */
  #rightDelimiter(): { length: number; trims: boolean } | undefined {
    if (isSpace(this.#at()) && this.#at(1) === "-" && this.#input.startsWith(RIGHT, this.#pos + 2)) {
      return { length: 4, trims: true };
    }
    return this.#input.startsWith(RIGHT, this.#pos) ? { length: 2, trims: false } : undefined;
  }

  #closeAction(close: { length: number; trims: boolean }): void {
    this.#pos += close.length;
    if (close.trims) while (isSpace(this.#at())) this.#pos++;
    this.#ignore();
    this.#inside = false;
  }

  #action(): void {
    const close = this.#rightDelimiter();
    if (close) {
      if (this.#parens > 0) {
        this.#error("unclosed left paren");
        return;
      }
      if (close.trims) {
        this.#pos += 2;
        this.#ignore();
      }
      this.#pos += 2;
      this.#emit("right delim");
      this.#pos -= 2;
      this.#closeAction({ length: 2, trims: close.trims });
      return;
    }
    const char = this.#char();
    if (char === "") {
      this.#error("unclosed action");
      return;
    }
    if (isSpace(char)) {
      // A closing delimiter with a trim marker owns the space before its dash.
      while (isSpace(this.#at()) && !this.#rightDelimiter()) this.#pos++;
      this.#emit("space");
      return;
    }
    if (char === ".") {
      const following = this.#at(1);
      // At the very end it is taken for a number, as in Go.
      if (following !== "" && (following < "0" || following > "9")) {
        this.#pos++;
        this.#word("field", ".");
      } else this.#number();
      return;
    }
    if (/[-+0-9]/.test(char)) {
      this.#number();
      return;
    }
    if (WORD.test(char)) {
      this.#identifier();
      return;
    }
    this.#pos += char.length;
    switch (char) {
      case "=":
        this.#emit("=");
        return;
      case ":":
        if (this.#at() !== "=") {
          this.#error("expected :=");
          return;
        }
        this.#pos++;
        this.#emit(":=");
        return;
      case "|":
        this.#emit("pipe");
        return;
      case '"':
        this.#quoted('"', "string", "unterminated quoted string");
        return;
      case "'":
        this.#quoted("'", "charconst", "unterminated character constant");
        return;
      case "`":
        this.#raw();
        return;
      case "$":
        this.#word("variable", "variable");
        return;
      case "(":
        this.#parens++;
        this.#emit("(");
        return;
      case ")":
        this.#parens--;
        if (this.#parens < 0) this.#error("unexpected right paren");
        else this.#emit(")");
        return;
    }
    if (char <= "\x7f" && isPrintable(char)) this.#emit("char");
    else this.#error(`unrecognized character in action: ${unicodeName(char)}`);
  }

  #quoted(mark: string, kind: TokenKind, message: string): void {
    for (;;) {
      const char = this.#at();
      if (char === "\\" && this.#at(1) !== "" && this.#at(1) !== "\n") {
        this.#pos += 2;
        continue;
      }
      if (char === "" || char === "\n" || char === "\\") {
        this.#error(message);
        return;
      }
      this.#pos++;
      if (char === mark) break;
    }
    this.#emit(kind);
  }

  #raw(): void {
    const end = this.#input.indexOf("`", this.#pos);
    if (end < 0) {
      this.#error("unterminated raw quoted string");
      return;
    }
    this.#pos = end + 1;
    this.#emit("raw string");
  }

  /** Whether a word may end here; otherwise the character that is in the way. */
  #terminated(): boolean {
    const char = this.#at();
    return char === "" || isSpace(char) || ".,|:)(".includes(char) || this.#input.startsWith(RIGHT, this.#pos);
  }

  #takeWord(): void {
    for (let char = this.#char(); char !== "" && WORD.test(char); char = this.#char()) this.#pos += char.length;
  }

  #badCharacter(): void {
    this.#error(`bad character ${unicodeName(this.#char())}`);
  }

  /** A field or variable whose first character is read; alone it is the dot, or the variable `$`. */
  #word(kind: TokenKind, alone: TokenKind): void {
    if (this.#terminated()) {
      this.#emit(alone);
      return;
    }
    this.#takeWord();
    if (this.#terminated()) this.#emit(kind);
    else this.#badCharacter();
  }

  #identifier(): void {
    this.#takeWord();
    if (!this.#terminated()) {
      this.#badCharacter();
      return;
    }
    const word = this.#input.slice(this.#start, this.#pos);
    const isFunction =
      (word === "break" && this.#options.breakIsWord) || (word === "continue" && this.#options.continueIsWord);
    if (KEYWORDS.has(word) && !isFunction) this.#emit(word as Keyword);
    else if (word === "nil") this.#emit("nil");
    else if (word === "true" || word === "false") this.#emit("bool");
    else this.#emit("identifier");
  }

  #number(): void {
    const fail = () => this.#error(`bad number syntax: ${quote(this.#input.slice(this.#start, this.#pos))}`);
    if (!this.#scanNumber()) {
      fail();
      return;
    }
    if (this.#at() === "+" || this.#at() === "-") {
      // Complex: 1+2i, without spaces.
      if (!this.#scanNumber() || this.#input[this.#pos - 1] !== "i") fail();
      else this.#emit("complex");
      return;
    }
    this.#emit("number");
  }

  #accept(set: string): boolean {
    if (this.#at() === "" || !set.includes(this.#at())) return false;
    this.#pos++;
    return true;
  }

  #scanNumber(): boolean {
    this.#accept("+-");
    let digits = "0123456789_";
    let exponent = "eE";
    if (this.#accept("0")) {
      if (this.#accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
        exponent = "pP";
      } else if (this.#accept("oO")) {
        digits = "01234567_";
        exponent = "";
      } else if (this.#accept("bB")) {
        digits = "01_";
        exponent = "";
      }
    }
    while (this.#accept(digits));
    if (this.#accept(".")) while (this.#accept(digits));
    if (exponent !== "" && this.#accept(exponent)) {
      this.#accept("+-");
      while (this.#accept("0123456789_"));
    }
    this.#accept("i");
    const char = this.#char();
    if (char !== "" && WORD.test(char)) {
      this.#pos += char.length;
      return false;
    }
    return true;
  }
}

/** Go's %#U: `U+0025 '%'`, without the quoted character when it cannot be printed. */
export function unicodeName(char: string): string {
  const code = char.codePointAt(0);
  if (code === undefined) return "U+FFFFFFFFFFFFFFFF";
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return isPrintable(char) ? `${name} '${char}'` : name;
}
