/** The text of an expression: one line (`formatExpr`), or broken at 100 characters (`prettify`). */
import { formatDuration, type Matcher } from "@pharos/model";
import type { AggregateExpr, BinaryExpr, DurationOperand, Expr, NumberLiteral, TimeModifiers } from "./ast.ts";
import { formatFixed, formatFloat, formatGeneral, quote } from "./text.ts";

const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LINE = 100;

function label(name: string): string {
  return LEGACY_NAME.test(name) ? name : quote(name);
}

function matcher(value: Matcher): string {
  return `${label(value.name)}${value.type}${quote(value.value)}`;
}

function labels(names: readonly string[]): string {
  return `(${names.map(label).join(", ")})`;
}

function number(literal: NumberLiteral): string {
  if (!literal.duration) return formatFloat(literal.value);
  return formatDuration(Math.trunc(Math.abs(literal.value) * 1000)).replace(/^/, literal.value < 0 ? "-" : "");
}

/** A duration or an expression that computes one. */
export function formatDurationExpr(expr: DurationOperand): string {
  if (expr.kind === "number") return number(expr);
  const lhs = expr.lhs && formatDurationExpr(expr.lhs);
  const rhs = expr.rhs && formatDurationExpr(expr.rhs);
  let text: string;
  if (expr.op === "step" || expr.op === "range") text = `${expr.op}()`;
  else if (expr.op === "min_of" || expr.op === "max_of") text = `${expr.op}(${lhs}, ${rhs})`;
  else if (lhs === undefined) text = expr.op === "-" ? `-${rhs}` : `${rhs}`;
  else text = `${lhs} ${expr.op} ${rhs}`;
  return expr.wrapped ? `(${text})` : text;
}

function at(modifiers: TimeModifiers): string {
  if (modifiers.timestamp !== undefined) return ` @ ${formatFixed(modifiers.timestamp / 1000, 3)}`;
  return modifiers.startOrEnd ? ` @ ${modifiers.startOrEnd}()` : "";
}

function offset(modifiers: TimeModifiers): string {
  if (modifiers.offsetExpr) return ` offset ${formatDurationExpr(modifiers.offsetExpr)}`;
  return modifiers.offset === 0 ? "" : ` offset ${formatDuration(modifiers.offset)}`;
}

function aggregateHead(expr: AggregateExpr): string {
  if (expr.without) return `${expr.op} without ${labels(expr.grouping)} `;
  return expr.grouping.length > 0 ? `${expr.op} by ${labels(expr.grouping)} ` : expr.op;
}

function binaryOperator(expr: BinaryExpr): string {
  let text = expr.op + (expr.returnBool ? " bool" : "");
  const matching = expr.matching;
  if (!matching) return text;
  const grouped = matching.card === "many-to-one" || matching.card === "one-to-many";
  if (matching.labels.length > 0 || matching.on || grouped) {
    text += ` ${matching.on ? "on" : "ignoring"} ${labels(matching.labels)}`;
  }
  if (grouped) text += ` group_${matching.card === "many-to-one" ? "left" : "right"} ${labels(matching.include)}`;
  const { fillLeft, fillRight } = matching;
  if (fillLeft !== undefined && fillLeft === fillRight) return `${text} fill (${formatGeneral(fillLeft)})`;
  if (fillLeft !== undefined) text += ` fill_left (${formatGeneral(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${formatGeneral(fillRight)})`;
  return text;
}

function selectorBody(name: string, matchers: readonly Matcher[]): string {
  const shown = matchers
    .filter((value) => !(value.name === "__name__" && value.type === "=" && value.value === name && value.value !== ""))
    .map(matcher)
    .sort();
  return name + (shown.length > 0 ? `{${shown.join(",")}}` : "");
}

function extension(selector: { anchored: boolean; smoothed: boolean }): string {
  return selector.anchored ? " anchored" : selector.smoothed ? " smoothed" : "";
}

function subquerySuffix(expr: Extract<Expr, { kind: "subquery" }>): string {
  const range = expr.rangeExpr ? formatDurationExpr(expr.rangeExpr) : formatDuration(expr.range);
  const step = expr.stepExpr ? formatDurationExpr(expr.stepExpr) : expr.step === 0 ? "" : formatDuration(expr.step);
  return `[${range}:${step}]${at(expr)}${offset(expr)}`;
}

/** Infinity is written with a sign, as upstream does; behind another one it would be read as a second operator. */
function signed(op: string, operand: string): string {
  return op + (operand.startsWith("+Inf") ? operand.slice(1) : operand);
}

/** The expression on one line; parses to an equal expression. */
export function formatExpr(expr: Expr): string {
  switch (expr.kind) {
    case "aggregate":
      return `${aggregateHead(expr)}(${expr.param ? `${formatExpr(expr.param)}, ` : ""}${formatExpr(expr.expr)})`;
    case "binary":
      return `${formatExpr(expr.lhs)} ${binaryOperator(expr)} ${formatExpr(expr.rhs)}`;
    case "call":
      return `${expr.func.name}(${expr.args.map(formatExpr).join(", ")})`;
    case "matrixSelector": {
      const { selector } = expr;
      const range = expr.rangeExpr ? formatDurationExpr(expr.rangeExpr) : formatDuration(expr.range);
      const body = selectorBody(selector.name, selector.matchers);
      return `${body}[${range}]${extension(selector)}${at(selector)}${offset(selector)}`;
    }
    case "number":
      return number(expr);
    case "paren":
      return `(${formatExpr(expr.expr)})`;
    case "string":
      return quote(expr.value);
    case "subquery":
      return formatExpr(expr.expr) + subquerySuffix(expr);
    case "unary":
      return signed(expr.op, formatExpr(expr.expr));
    case "vectorSelector":
      return `${selectorBody(expr.name, expr.matchers)}${at(expr)}${extension(expr)}${offset(expr)}`;
  }
}

const indent = (level: number) => "  ".repeat(level);

/** The expression with parts longer than a line (100 characters) spread over indented lines, as the API's format_query. */
export function prettify(expr: Expr, lineLength = LINE): string {
  return pretty(expr, 0, lineLength);
}

function pretty(expr: Expr, level: number, lineLength: number): string {
  const text = formatExpr(expr);
  const split = text.length > lineLength;
  const lead = indent(level);
  switch (expr.kind) {
    case "aggregate": {
      if (!split) return lead + text;
      const param = expr.param ? `${pretty(expr.param, level + 1, lineLength)},\n` : "";
      return `${lead}${aggregateHead(expr)}(\n${param}${pretty(expr.expr, level + 1, lineLength)}\n${lead})`;
    }
    case "binary":
      if (!split) return lead + text;
      return `${pretty(expr.lhs, level + 1, lineLength)}\n${lead}${binaryOperator(expr)}\n${pretty(expr.rhs, level + 1, lineLength)}`;
    case "call": {
      if (!split) return lead + text;
      const args = expr.args.map((arg) => pretty(arg, level + 1, lineLength)).join(",\n");
      return `${lead}${expr.func.name}(\n${args}\n${lead})`;
    }
    case "paren":
      return split ? `${lead}(\n${pretty(expr.expr, level + 1, lineLength)}\n${lead})` : lead + text;
    case "subquery":
      return split ? pretty(expr.expr, level, lineLength) + subquerySuffix(expr) : text;
    case "unary":
      return lead + signed(expr.op, pretty(expr.expr, level, lineLength).trim());
    default:
      return lead + text;
  }
}
