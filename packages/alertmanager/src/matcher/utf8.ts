/** The UTF-8 matcher syntax: `{foo="bar", "any name"=~baz}`. Messages and columns are upstream's matcher/parse. */
import { unquote } from "@pharos/gotemplate";
import { type MatchType, UserError } from "@pharos/model";
import { AlertMatcher } from "./matcher.ts";

const RESERVED = /[\p{White_Space}{}!=~,\\"'`]/u;
const SPACE = /\p{White_Space}/u;

export type TokenKind = "eof" | "{" | "}" | "," | MatchType | "quoted" | "unquoted";

export interface Token {
  kind: TokenKind;
  text: string;
  /** Columns in characters, 0-based; the end is exclusive. */
  start: number;
  end: number;
}

class MatcherError extends UserError {
  constructor(message: string) {
    super("alertmanager.matcher", message);
  }
}

export class Lexer {
  readonly #chars: string[];
  #pos = 0;

  constructor(input: string) {
    this.#chars = [...input];
  }

  get column(): number {
    return this.#pos;
  }

  peek(): Token {
    const pos = this.#pos;
    try {
      return this.scan();
    } finally {
      this.#pos = pos;
    }
  }

  scan(): Token {
    const chars = this.#chars;
    while (this.#pos < chars.length && SPACE.test(chars[this.#pos])) this.#pos++;
    const start = this.#pos;
    const char = chars[start];
    if (char === undefined) return { kind: "eof", text: "", start: 0, end: 0 };
    if (char === "{" || char === "}" || char === ",") return this.#token(char, start, 1);
    if (char === "=" || char === "!") return this.#operator(char, start);
    if (char === '"') return this.#quoted(start);
    if (RESERVED.test(char)) {
      this.#pos++;
      throw new MatcherError(`${start}:${start + 1}: ${char}: invalid input`);
    }
    let end = start;
    while (end < chars.length && !RESERVED.test(chars[end])) end++;
    return this.#token("unquoted", start, end - start);
  }

  #token(kind: TokenKind, start: number, length: number): Token {
    this.#pos = start + length;
    return { kind, text: this.#chars.slice(start, this.#pos).join(""), start, end: this.#pos };
  }

  #operator(char: "=" | "!", start: number): Token {
    const next = this.#chars[start + 1];
    if (next === "~") return this.#token(`${char}~`, start, 2);
    if (char === "=") return this.#token("=", start, 1);
    if (next === "=") return this.#token("!=", start, 2);
    const end = start + 1;
    throw new MatcherError(
      next === undefined
        ? `${start}:${end}: unexpected end of input, expected one of '=~'`
        : `${start}:${end}: !: expected one of '=~'`,
    );
  }

  #quoted(start: number): Token {
    const chars = this.#chars;
    let end = start + 1;
    while (end < chars.length && chars[end] !== '"') end += chars[end] === "\\" ? 2 : 1;
    if (end < chars.length) return this.#token("quoted", start, end + 1 - start);
    throw new MatcherError(`${start}:${chars.length}: ${chars.slice(start).join("")}: missing end "`);
  }
}

class Parser {
  readonly #lexer: Lexer;
  readonly #matchers: AlertMatcher[] = [];

  constructor(input: string) {
    this.#lexer = new Lexer(input);
  }

  parse(): AlertMatcher[] {
    const lexer = this.#lexer;
    const first = lexer.peek();
    if (first.kind === "eof") return [];
    const braced = first.kind === "{";
    if (braced) lexer.scan();
    let next = braced ? lexer.peek() : first;
    while (next.kind !== "eof" && next.kind !== "}") {
      this.#matcher();
      next = this.#separator();
    }
    this.#close(braced);
    return this.#matchers;
  }

  /** A token of one of the kinds, or a message that ends with what was expected. */
  #expect(kinds: readonly TokenKind[], what: string): Token {
    let token: Token;
    try {
      token = this.#lexer.peek();
    } catch (error) {
      if (error instanceof MatcherError) throw new MatcherError(`${error.message}: ${what}`);
      throw error;
    }
    if (token.kind === "eof") throw new MatcherError(`end of input: ${what}`);
    if (!kinds.includes(token.kind)) {
      throw new MatcherError(`${token.start}:${token.end}: unexpected ${token.text}: ${what}`);
    }
    return this.#lexer.scan();
  }

  #text(token: Token): string {
    if (token.kind === "unquoted") return token.text;
    const text = unquote(token.text);
    if (text === undefined || !text.isWellFormed()) {
      throw new MatcherError(`${token.start}:${token.end}: ${token.text}: invalid input`);
    }
    return text;
  }

  #matcher(): void {
    const name = this.#text(this.#expect(["quoted", "unquoted"], "expected label name"));
    const operators = "expected an operator such as '=', '!=', '=~' or '!~'";
    const { kind } = this.#expect(["=", "!=", "=~", "!~"], operators);
    const value = this.#text(this.#expect(["unquoted", "quoted"], "expected label value"));
    try {
      this.#matchers.push(new AlertMatcher(kind as MatchType, name, value));
    } catch (error) {
      throw new MatcherError(`failed to create matcher: ${(error as Error).message}`);
    }
  }

  /** What follows a matcher and its comma: the next matcher, the closing brace or the end. */
  #separator(): Token {
    if (this.#peek("expected a comma or close brace").kind === "eof") return this.#lexer.peek();
    const token = this.#peek("expected a comma or close brace");
    if (token.kind === "}") return token;
    this.#expect([","], "expected a comma or close brace");
    const next = this.#peek("expected a matcher or close brace after comma");
    if (next.kind !== "eof" && next.kind !== "}" && next.kind !== "quoted" && next.kind !== "unquoted") {
      throw new MatcherError(
        `${next.start}:${next.end}: unexpected ${next.text}: expected a matcher or close brace after comma`,
      );
    }
    return next;
  }

  #peek(what: string): Token {
    try {
      return this.#lexer.peek();
    } catch (error) {
      if (error instanceof MatcherError) throw new MatcherError(`${error.message}: ${what}`);
      throw error;
    }
  }

  #close(braced: boolean): void {
    const lexer = this.#lexer;
    const token = lexer.peek();
    if (braced) {
      if (token.kind === "eof") throw new MatcherError(`0:${lexer.column}: end of input: expected close brace`);
      lexer.scan();
    } else if (token.kind === "}") {
      lexer.scan();
      throw new MatcherError(`0:${lexer.column}: }: expected opening brace`);
    }
    let rest: Token;
    try {
      rest = lexer.scan();
    } catch (error) {
      if (error instanceof MatcherError) throw new MatcherError(`${error.message}: expected end of input`);
      throw error;
    }
    if (rest.kind !== "eof") {
      throw new MatcherError(`${rest.start}:${rest.end}: ${rest.text}: expected end of input`);
    }
  }
}

export function parseUtf8Matchers(input: string): AlertMatcher[] {
  return new Parser(input).parse();
}

export function parseUtf8Matcher(input: string): AlertMatcher {
  const matchers = parseUtf8Matchers(input);
  if (matchers.length === 1) return matchers[0];
  throw new MatcherError(matchers.length === 0 ? "no matchers" : `expected 1 matcher, found ${matchers.length}`);
}
