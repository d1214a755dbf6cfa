/**
 * The abstract syntax of PromQL. Nodes are plain data: nothing changes them after parsing, the engine plans on its own
 * structures. Positions are UTF-16 offsets into the query, `end` exclusive. Durations are milliseconds.
 */
import type { Matcher } from "@pharos/model";

export type ValueType = "scalar" | "vector" | "matrix" | "string" | "none";

export interface Position {
  readonly start: number;
  readonly end: number;
}

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
export type ComparisonOp = "==" | "!=" | "<=" | "<" | ">=" | ">";
/** `</` drops the observations of a native histogram above a bound, `>/` those below. */
export type TrimOp = "</" | ">/";
export type SetOp = "and" | "or" | "unless";
export type BinaryOp = ArithmeticOp | ComparisonOp | TrimOp | SetOp;

export type AggregateOp =
  | "sum"
  | "avg"
  | "count"
  | "min"
  | "max"
  | "group"
  | "stddev"
  | "stdvar"
  | "topk"
  | "bottomk"
  | "count_values"
  | "quantile"
  | "limitk"
  | "limit_ratio";

export interface AggregateExpr {
  kind: "aggregate";
  op: AggregateOp;
  expr: Expr;
  param?: Expr;
  grouping: string[];
  without: boolean;
  pos: Position;
}

export type MatchCardinality = "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";

export interface VectorMatching {
  card: MatchCardinality;
  labels: string[];
  /** `on (labels)` instead of `ignoring (labels)`. */
  on: boolean;
  /** Labels taken over from the "one" side. */
  include: string[];
  fillLeft?: number;
  fillRight?: number;
}

export interface BinaryExpr {
  kind: "binary";
  op: BinaryOp;
  lhs: Expr;
  rhs: Expr;
  returnBool: boolean;
  /** Absent unless both sides are vectors. */
  matching?: VectorMatching;
  pos: Position;
}

export interface FunctionSignature {
  name: string;
  argTypes: ValueType[];
  /** 0: fixed arguments; n > 0: the last argument may be left out or given up to n times; -1: any number of times. */
  variadic: number;
  returnType: ValueType;
  experimental: boolean;
}

export interface Call {
  kind: "call";
  func: FunctionSignature;
  args: Expr[];
  pos: Position;
}

export type DurationOp = "+" | "-" | "*" | "/" | "%" | "^" | "step" | "range" | "min_of" | "max_of";

/** Arithmetic on durations inside `[…]` and after `offset`; evaluated in seconds. */
export interface DurationExpr {
  kind: "duration";
  op: DurationOp;
  lhs?: DurationOperand;
  rhs?: DurationOperand;
  wrapped: boolean;
  pos: Position;
}
export type DurationOperand = DurationExpr | NumberLiteral;

export interface NumberLiteral {
  kind: "number";
  value: number;
  /** Written as a duration; `value` is in seconds. */
  duration: boolean;
  pos: Position;
}

export interface StringLiteral {
  kind: "string";
  value: string;
  pos: Position;
}

export interface ParenExpr {
  kind: "paren";
  expr: Expr;
  pos: Position;
}

export interface UnaryExpr {
  kind: "unary";
  op: "+" | "-";
  expr: Expr;
  pos: Position;
}

/** `@` and `offset` of a selector or subquery. */
export interface TimeModifiers {
  offset: number;
  offsetExpr?: DurationExpr;
  /** Milliseconds of `@ t`. */
  timestamp?: number;
  startOrEnd?: "start" | "end";
}

export interface VectorSelector extends TimeModifiers {
  kind: "vectorSelector";
  /** Metric name written outside the braces, "" when there is none. */
  name: string;
  /** All matchers, the one made of `name` last. */
  matchers: Matcher[];
  anchored: boolean;
  smoothed: boolean;
  pos: Position;
}

export interface MatrixSelector {
  kind: "matrixSelector";
  selector: VectorSelector;
  range: number;
  rangeExpr?: DurationExpr;
  pos: Position;
}

export interface SubqueryExpr extends TimeModifiers {
  kind: "subquery";
  expr: Expr;
  range: number;
  rangeExpr?: DurationExpr;
  /** 0: the engine's default. */
  step: number;
  stepExpr?: DurationExpr;
  pos: Position;
}

export type Expr =
  | AggregateExpr
  | BinaryExpr
  | Call
  | MatrixSelector
  | NumberLiteral
  | ParenExpr
  | StringLiteral
  | SubqueryExpr
  | UnaryExpr
  | VectorSelector;

export type Node = Expr | DurationExpr;

export const COMPARISON_OPS: ReadonlySet<string> = new Set(["==", "!=", "<=", "<", ">=", ">"]);
export const SET_OPS: ReadonlySet<string> = new Set(["and", "or", "unless"]);
export const AGGREGATE_OPS: ReadonlySet<string> = new Set<AggregateOp>([
  "sum",
  "avg",
  "count",
  "min",
  "max",
  "group",
  "stddev",
  "stdvar",
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
]);
export const PARAMETER_AGGREGATES: ReadonlySet<string> = new Set([
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
]);

export function isComparison(op: BinaryOp): op is ComparisonOp {
  return COMPARISON_OPS.has(op);
}

export function isSetOp(op: BinaryOp): op is SetOp {
  return SET_OPS.has(op);
}

/** The type an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "aggregate":
    case "vectorSelector":
      return "vector";
    case "binary":
      return typeOf(expr.lhs) === "scalar" && typeOf(expr.rhs) === "scalar" ? "scalar" : "vector";
    case "call":
      return expr.func.returnType;
    case "matrixSelector":
    case "subquery":
      return "matrix";
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "paren":
    case "unary":
      return typeOf(expr.expr);
  }
}

/** The words of the documentation for a type. */
export function documentedType(type: ValueType): string {
  return type === "vector" ? "instant vector" : type === "matrix" ? "range vector" : type;
}
