/** The tokens of a query with a position in them, and the errors that refer to it. */
import { parseDuration, UserError } from "@pharos/model";
import type { NumberLiteral, Position } from "./ast.ts";
import { PromqlParseError } from "./error.ts";
import { describeToken, type Token, tokenize } from "./lexer.ts";
import { LiteralError, parseNumber, unquote } from "./literal.ts";
import { quote } from "./text.ts";

/** Deeper nesting and longer chains of operators are refused instead of overflowing the stack. */
const MAX_DEPTH = 1000;
/** Larger queries are refused. */
const MAX_LENGTH = 1 << 20;

export class TokenCursor {
  protected readonly input: string;
  protected readonly tokens: Token[];
  protected index = 0;
  /** Depth of aggregations around the position: an unexpected token inside any of them is "in aggregation". */
  protected aggregations = 0;

  constructor(input: string) {
    this.input = input;
    if (input.length > MAX_LENGTH) this.failAt({ start: 0, end: 0 }, `query is longer than ${MAX_LENGTH} characters`);
    this.tokens = tokenize(input);
  }

  /** Refuses a tree that is too deep to be walked. */
  protected checkDepth(depth: number): void {
    if (depth > MAX_DEPTH) this.failAt(this.token, `expression is nested more than ${MAX_DEPTH} levels deep`);
  }

  protected expectEnd(): void {
    if (this.token.type !== "eof") this.unexpected();
  }

  protected get token(): Token {
    return this.tokens[this.index];
  }

  protected is(id: string): boolean {
    return this.token.id === id;
  }

  protected advance(): Token {
    const token = this.token;
    this.index++;
    return token;
  }

  protected failAt(pos: Position, message: string): never {
    throw new PromqlParseError(this.input, pos.start, pos.end, message);
  }

  protected unexpected(context = this.aggregations > 0 ? "aggregation" : "", expected = ""): never {
    const token = this.token;
    if (token.type === "error") this.failAt(token, token.text);
    const place = context === "" ? "" : ` in ${context}`;
    this.failAt(token, `unexpected ${describeToken(token)}${place}${expected === "" ? "" : `, expected ${expected}`}`);
  }

  protected expect(id: string): Token {
    if (!this.is(id)) this.unexpected();
    return this.advance();
  }

  protected unquote(token: Token): string {
    try {
      return unquote(token.text);
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      this.failAt(token, `error unquoting string ${quote(token.text)}: ${error.message}`);
    }
  }

  protected numberOrDuration(): NumberLiteral {
    const token = this.token;
    if (token.type !== "number" && token.type !== "duration") this.unexpected();
    this.advance();
    return {
      kind: "number",
      value: this.numberValue(token),
      duration: token.type === "duration",
      pos: { start: token.start, end: token.end },
    };
  }

  protected numberValue(token: Token): number {
    try {
      return token.type === "duration" ? parseDuration(token.text) / 1000 : parseNumber(token.text);
    } catch (error) {
      if (error instanceof LiteralError) this.failAt(token, `error parsing number: ${error.message}`);
      if (error instanceof UserError) this.failAt(token, error.message);
      throw error;
    }
  }
}
