/**
 * The grammar of PromQL: operator precedence by climbing, everything else by descent. Messages and positions are
 * upstream's, whose parser is generated with yacc: where an error is named ("in aggregation", "in grouping opts")
 * follows from which of its error productions the unexpected token would reach.
 */
import { Matcher, UserError } from "@pharos/model";
import type {
  AggregateExpr,
  AggregateOp,
  BinaryExpr,
  BinaryOp,
  Call,
  DurationExpr,
  DurationOperand,
  Expr,
  Position,
  SubqueryExpr,
  TimeModifiers,
  VectorMatching,
  VectorSelector,
} from "./ast.ts";
import { AGGREGATE_OPS, PARAMETER_AGGREGATES } from "./ast.ts";
import { checkTypes } from "./check.ts";
import { DurationParser } from "./duration-parser.ts";
import { PromqlParseError } from "./error.ts";
import { FUNCTIONS } from "./functions.ts";
import { POWER, PRECEDENCE } from "./precedence.ts";
import { formatFixed, isValidLabelName, quote } from "./text.ts";

export interface ParserOptions {
  /** Functions and aggregations marked experimental (`promql-experimental-functions`). */
  experimentalFunctions?: boolean;
  /** `anchored` and `smoothed` (`promql-extended-range-selectors`). */
  extendedRangeSelectors?: boolean;
  /** `fill`, `fill_left`, `fill_right` (`promql-binop-fill-modifiers`). */
  binopFillModifiers?: boolean;
}

const MATCH_OPS = new Set(["=", "!=", "=~", "!~"]);
const CALLABLE_KEYWORDS = new Set(["start", "end", "step", "range", "max_of", "min_of"]);
/** Keywords that can never stand for a metric name, and those that can never be a label in a grouping clause. */
const NOT_A_METRIC = new Set(["bool", "on", "ignoring", "group_left", "group_right", "atan2"]);
const NOT_A_LABEL = new Set(["without"]);

function toMs(seconds: number): number {
  return Math.trunc(Math.round(seconds * 1e9) / 1e6);
}

/** The text that each expression was parsed from, for positions in annotations. */
const SOURCES = new WeakMap<Expr, string>();

/** The query that `parseExpr` made this expression from; "" when it was put together otherwise. */
export function sourceOf(expr: Expr): string {
  return SOURCES.get(expr) ?? "";
}

class Parser extends DurationParser {
  readonly #options: ParserOptions;
  #depth = 0;

  constructor(input: string, options: ParserOptions) {
    super(input);
    this.#options = options;
  }

  parseExpression(): Expr {
    if (this.token.type === "eof") this.failAt({ start: 0, end: 0 }, "no expression found in input");
    const expr = this.#expr(0);
    this.expectEnd();
    checkTypes(expr, this.input);
    SOURCES.set(expr, this.input);
    return expr;
  }

  parseSelector(): Matcher[] {
    const { type } = this.token;
    if (type !== "identifier" && type !== "metricIdentifier" && type !== "keyword" && !this.is("{")) this.unexpected();
    if (type === "keyword" && NOT_A_METRIC.has(this.token.id)) this.unexpected();
    const selector = this.#vectorSelector();
    this.expectEnd();
    return selector.matchers;
  }

  /** An expression whose operators all bind at least as tightly as `minimum`. */
  #expr(minimum: number): Expr {
    this.checkDepth(++this.#depth);
    let lhs = this.#postfix(this.#prefix());
    for (let chain = 0; ; chain++) {
      this.checkDepth(this.#depth + chain);
      const { id, type } = this.token;
      const precedence = type === "symbol" || type === "keyword" ? PRECEDENCE[id] : undefined;
      if (precedence === undefined || precedence < minimum) break;
      this.advance();
      lhs = this.#binary(lhs, id as BinaryOp, precedence);
    }
    this.#depth--;
    return lhs;
  }

  #binary(lhs: Expr, op: BinaryOp, precedence: number): BinaryExpr {
    const modifiers = this.#binaryModifiers();
    // The power operator is right associative.
    const rhs = this.#expr(op === "^" ? precedence : precedence + 1);
    const pos = { start: lhs.pos.start, end: rhs.pos.end };
    const { fillLeft, fillRight } = modifiers.matching;
    if (!this.#options.binopFillModifiers && (fillLeft !== undefined || fillRight !== undefined)) {
      this.failAt(pos, "binop fill modifiers are experimental and not enabled");
    }
    return { kind: "binary", op, lhs, rhs, ...modifiers, pos };
  }

  #binaryModifiers(): { returnBool: boolean; matching: VectorMatching } {
    const matching: VectorMatching = { card: "one-to-one", labels: [], on: false, include: [] };
    const returnBool = this.is("bool");
    if (returnBool) this.advance();
    if (this.is("on") || this.is("ignoring")) {
      matching.on = this.advance().id === "on";
      matching.labels = this.#groupingLabels();
      if (this.is("group_left") || this.is("group_right")) {
        matching.card = this.advance().id === "group_left" ? "many-to-one" : "one-to-many";
        if (this.is("(")) matching.include = this.#groupingLabels();
      }
    }
    if (this.is("fill")) {
      this.advance();
      matching.fillLeft = matching.fillRight = this.#fillValue();
    } else {
      for (let i = 0; i < 2; i++) {
        if (this.is("fill_left") && matching.fillLeft === undefined) {
          this.advance();
          matching.fillLeft = this.#fillValue();
        } else if (this.is("fill_right") && matching.fillRight === undefined) {
          this.advance();
          matching.fillRight = this.#fillValue();
        }
      }
    }
    return { returnBool, matching };
  }

  #fillValue(): number {
    this.expect("(");
    const negative = this.is("-");
    if (negative || this.is("+")) this.advance();
    const { value } = this.numberOrDuration();
    this.expect(")");
    return negative ? -value : value;
  }

  #groupingLabels(): string[] {
    if (!this.is("(")) this.unexpected("grouping opts", '"("');
    this.advance();
    const labels: string[] = [];
    while (!this.is(")")) {
      labels.push(this.#groupingLabel());
      if (this.is(",")) this.advance();
      else if (!this.is(")")) this.unexpected("grouping opts", '"," or ")"');
    }
    this.advance();
    return labels;
  }

  #groupingLabel(): string {
    const token = this.token;
    const isName =
      token.type === "identifier" ||
      token.type === "metricIdentifier" ||
      (token.type === "keyword" && !NOT_A_LABEL.has(token.id));
    if (!isName && token.type !== "string") this.unexpected("grouping opts", "label");
    this.advance();
    const label = isName ? token.text : this.unquote(token);
    if (!isValidLabelName(label)) this.failAt(token, `invalid label name for grouping: ${quote(label)}`);
    return label;
  }

  #prefix(): Expr {
    const token = this.token;
    switch (token.type) {
      case "number":
      case "duration":
        return this.numberOrDuration();
      case "string":
        this.advance();
        return { kind: "string", value: this.unquote(token), pos: { start: token.start, end: token.end } };
      case "identifier":
        return this.#isCall() ? this.#call() : this.#vectorSelector();
      case "metricIdentifier":
        return this.#vectorSelector();
      case "keyword":
        if (AGGREGATE_OPS.has(token.id) && this.#isAggregate()) return this.#aggregate();
        if (CALLABLE_KEYWORDS.has(token.id) && this.#isCall()) return this.#call();
        if (NOT_A_METRIC.has(token.id)) this.unexpected();
        return this.#vectorSelector();
      case "symbol":
        if (token.id === "+" || token.id === "-") return this.#unary(token.id);
        if (token.id === "{") return this.#vectorSelector();
        if (token.id === "(") {
          this.advance();
          const expr = this.#expr(0);
          const close = this.expect(")");
          return { kind: "paren", expr, pos: { start: token.start, end: close.end } };
        }
    }
    this.unexpected();
  }

  #isCall(): boolean {
    return this.tokens[this.index + 1].id === "(";
  }

  #isAggregate(): boolean {
    const { id } = this.tokens[this.index + 1];
    return id === "(" || id === "by" || id === "without";
  }

  #unary(op: "+" | "-"): Expr {
    const { start } = this.advance();
    const expr = this.#expr(POWER);
    if (expr.kind === "number") {
      return { ...expr, value: op === "-" ? -expr.value : expr.value, pos: { start, end: expr.pos.end } };
    }
    return { kind: "unary", op, expr, pos: { start, end: expr.pos.end } };
  }

  #arguments(): { args: Expr[]; end: number } {
    this.expect("(");
    const args: Expr[] = [];
    if (!this.is(")")) {
      args.push(this.#expr(0));
      while (this.is(",")) {
        const comma = this.advance();
        if (this.is(")") || this.is(",")) {
          this.failAt(comma, "trailing commas not allowed in function call args");
        }
        args.push(this.#expr(0));
      }
    }
    return { args, end: this.expect(")").end };
  }

  #call(): Call {
    const token = this.advance();
    const { args, end } = this.#arguments();
    const func = FUNCTIONS.get(token.text);
    if (!func) this.failAt(token, `unknown function with name ${quote(token.text)}`);
    if (func.experimental && !this.#options.experimentalFunctions) {
      this.failAt(token, `function ${quote(token.text)} is not enabled`);
    }
    return { kind: "call", func, args, pos: { start: token.start, end } };
  }

  #aggregate(): AggregateExpr {
    const token = this.advance();
    const op = token.id as AggregateOp;
    this.aggregations++;
    let grouping: string[] = [];
    let without = false;
    const modifier = () => {
      if (!this.is("by") && !this.is("without")) return false;
      without = this.advance().id === "without";
      grouping = this.#groupingLabels();
      return true;
    };
    const leading = modifier();
    const { args, end: argsEnd } = this.#arguments();
    this.aggregations--;
    if (!leading) {
      this.aggregations++;
      modifier();
      this.aggregations--;
    }
    const pos = { start: token.start, end: Math.max(argsEnd, this.tokens[this.index - 1].end) };
    if (args.length === 0) this.failAt(pos, "no arguments for aggregate expression provided");
    const withParam = PARAMETER_AGGREGATES.has(op);
    if ((op === "limitk" || op === "limit_ratio") && !this.#options.experimentalFunctions) {
      this.failAt(
        pos,
        `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
      );
    }
    const wanted = withParam ? 2 : 1;
    if (args.length !== wanted) {
      this.failAt(
        pos,
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      );
    }
    const expr = args[wanted - 1];
    return { kind: "aggregate", op, expr, ...(withParam ? { param: args[0] } : {}), grouping, without, pos };
  }

  #vectorSelector(): VectorSelector {
    const first = this.token;
    let name = "";
    let end = first.end;
    if (first.id !== "{") name = this.advance().text;
    const matchers: Matcher[] = [];
    if (this.is("{")) end = this.#labelMatchers(matchers);
    if (name !== "") matchers.push(new Matcher("=", "__name__", name));
    return {
      kind: "vectorSelector",
      name,
      matchers,
      offset: 0,
      anchored: false,
      smoothed: false,
      pos: { start: first.start, end },
    };
  }

  /** `{…}`; returns the offset behind it. */
  #labelMatchers(out: Matcher[]): number {
    this.advance();
    while (!this.is("}")) {
      out.push(this.#labelMatcher());
      if (this.is(",")) this.advance();
      else if (!this.is("}")) this.unexpected("label matching", '"," or "}"');
    }
    return this.advance().end;
  }

  #labelMatcher(): Matcher {
    const label = this.token;
    if (label.type !== "identifier" && label.type !== "string") {
      this.unexpected("label matching", 'identifier or "}"');
    }
    this.advance();
    const name = label.type === "string" ? this.unquote(label) : label.text;
    if (!MATCH_OPS.has(this.token.id)) {
      if (label.type === "string") return new Matcher("=", "__name__", name);
      this.unexpected("label matching", "label matching operator");
    }
    const op = this.advance().id as "=" | "!=" | "=~" | "!~";
    const value = this.token;
    if (value.type !== "string") this.unexpected("label matching", "string");
    this.advance();
    try {
      return new Matcher(op, name, this.unquote(value));
    } catch (error) {
      if (error instanceof UserError && !(error instanceof PromqlParseError)) {
        this.failAt({ start: label.start, end: value.end }, error.message);
      }
      throw error;
    }
  }

  /** Ranges, subqueries, `offset`, `@`, `anchored` and `smoothed` bind tighter than every operator. */
  #postfix(expr: Expr): Expr {
    let current = expr;
    for (let chain = 0; ; chain++) {
      this.checkDepth(this.#depth + chain);
      if (this.is("[")) current = this.#range(current);
      else if (this.is("offset")) current = this.#offset(current);
      else if (this.is("@")) current = this.#at(current);
      else if (this.is("anchored") || this.is("smoothed")) this.#extend(current);
      else return current;
    }
  }

  #range(expr: Expr): Expr {
    const open = this.advance();
    const expected = "number, duration, step(), or range()";
    const range = this.positiveDuration(["subquery or range selector", expected]);
    if (this.is("]")) {
      const close = this.advance();
      this.#checkRangeable(expr, { start: open.start, end: close.end });
      const pos = { start: expr.pos.start, end: close.end };
      return { kind: "matrixSelector", selector: expr as VectorSelector, ...rangeOf(range), pos };
    }
    if (!this.is(":")) this.unexpected("subquery or range", '":" or "]"');
    this.advance();
    let step: DurationOperand | undefined;
    if (!this.is("]")) {
      step = this.positiveDuration(["subquery selector", 'number, duration, step(), range(), or "]"']);
      if (!this.is("]")) this.unexpected("subquery selector", '"]"');
    }
    const close = this.advance();
    const subquery: SubqueryExpr = {
      kind: "subquery",
      expr,
      ...rangeOf(range),
      step: step?.kind === "number" ? toMs(step.value) : 0,
      offset: 0,
      pos: { start: expr.pos.start, end: close.end },
    };
    if (step?.kind === "duration") subquery.stepExpr = step;
    return subquery;
  }

  #checkRangeable(expr: Expr, pos: Position): void {
    if (expr.kind !== "vectorSelector") this.failAt(pos, "ranges only allowed for vector selectors");
    if (expr.offset !== 0 || expr.offsetExpr) this.failAt(pos, "no offset modifiers allowed before range");
    if (expr.timestamp !== undefined || expr.startOrEnd) this.failAt(pos, "no @ modifiers allowed before range");
  }

  #offset(expr: Expr): Expr {
    this.advance();
    const duration = this.offsetDuration();
    const end = this.tokens[this.index - 1].end;
    return this.#modify(expr, end, "offset modifier", (modifiers) => {
      if (modifiers.offset !== 0 || modifiers.offsetExpr) this.failAt(expr.pos, "offset may not be set multiple times");
      if (duration.kind === "number") modifiers.offset = toMs(duration.value);
      else modifiers.offsetExpr = duration;
    });
  }

  #at(expr: Expr): Expr {
    this.advance();
    const token = this.token;
    let timestamp: number | undefined;
    let startOrEnd: "start" | "end" | undefined;
    if (token.id === "start" || token.id === "end") {
      startOrEnd = token.id;
      this.advance();
      if (!this.is("(")) this.unexpected("@", "timestamp");
      this.advance();
      if (!this.is(")")) this.unexpected("@", "timestamp");
      this.advance();
    } else {
      const negative = token.id === "-";
      if (negative || token.id === "+") this.advance();
      if (this.token.type !== "number" && this.token.type !== "duration") this.unexpected("@", "timestamp");
      const seconds = this.numberValue(this.advance()) * (negative ? -1 : 1);
      if (!Number.isFinite(seconds) || Math.abs(seconds) >= 2 ** 63) {
        this.failAt(expr.pos, `timestamp out of bounds for @ modifier: ${formatFixed(seconds, 6)}`);
      }
      timestamp = Math.round(seconds * 1000);
    }
    const end = this.tokens[this.index - 1].end;
    return this.#modify(expr, end, "@ modifier", (modifiers) => {
      if (modifiers.timestamp !== undefined || modifiers.startOrEnd) {
        this.failAt(expr.pos, "@ <timestamp> may not be set multiple times");
      }
      if (startOrEnd) modifiers.startOrEnd = startOrEnd;
      else modifiers.timestamp = timestamp;
    });
  }

  /** A copy of a selector or subquery with a time modifier, reaching up to `end`. */
  #modify(expr: Expr, end: number, what: string, change: (modifiers: TimeModifiers) => void): Expr {
    const pos = { start: expr.pos.start, end };
    if (expr.kind === "vectorSelector" || expr.kind === "subquery") {
      const copy = { ...expr, pos };
      change(copy);
      return copy;
    }
    if (expr.kind === "matrixSelector") {
      const selector = { ...expr.selector };
      change(selector);
      return { ...expr, selector, pos };
    }
    this.failAt(
      expr.pos,
      `${what} must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }

  #extend(expr: Expr): void {
    const word = this.advance().id as "anchored" | "smoothed";
    if (!this.#options.extendedRangeSelectors) {
      this.failAt(expr.pos, `${word} modifier is experimental and not enabled`);
    }
    if (expr.kind === "subquery") this.failAt(expr.pos, `${word} modifier is not supported for subqueries`);
    const selector = expr.kind === "matrixSelector" ? expr.selector : expr;
    if (selector.kind !== "vectorSelector") this.failAt(expr.pos, `${word} modifier not implemented`);
    selector[word] = true;
    if (selector.anchored && selector.smoothed) {
      this.failAt(expr.pos, "anchored and smoothed modifiers cannot be used together");
    }
  }
}

function rangeOf(range: DurationOperand): { range: number; rangeExpr?: DurationExpr } {
  return range.kind === "number" ? { range: toMs(range.value) } : { range: 0, rangeExpr: range };
}

/** Parses and type-checks a query. Throws PromqlParseError. */
export function parseExpr(input: string, options: ParserOptions = {}): Expr {
  return new Parser(input, options).parseExpression();
}

/** Matchers of a selector without modifiers, as the API's `match[]` takes them. Throws PromqlParseError. */
export function parseMetricSelector(input: string): Matcher[] {
  return new Parser(input, {}).parseSelector();
}
