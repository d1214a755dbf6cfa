/** The syntax tree as the API's /parse_query answers it. */
import type { Matcher } from "@pharos/model";
import type { DurationOperand, Expr, TimeModifiers, VectorSelector } from "./ast.ts";
import { formatFloat } from "./text.ts";

function durationJson(expr: DurationOperand | undefined): unknown {
  if (!expr) return null;
  if (expr.kind === "number") {
    return { type: "numberLiteral", val: formatFloat(expr.value), duration: expr.duration };
  }
  return {
    type: "durationExpr",
    op: expr.op,
    lhs: durationJson(expr.lhs),
    rhs: durationJson(expr.rhs),
    wrapped: expr.wrapped,
  };
}

function matchersJson(matchers: readonly Matcher[]): unknown {
  return matchers.map(({ name, value, type }) => ({ name, value, type }));
}

function timeJson(modifiers: TimeModifiers): object {
  return {
    offset: modifiers.offset,
    offsetExpr: durationJson(modifiers.offsetExpr),
    timestamp: modifiers.timestamp ?? null,
    startOrEnd: modifiers.startOrEnd ?? null,
  };
}

function selectorJson(selector: VectorSelector): object {
  return {
    name: selector.name,
    ...timeJson(selector),
    matchers: matchersJson(selector.matchers),
    anchored: selector.anchored,
    smoothed: selector.smoothed,
  };
}

/** Plain data for JSON.stringify. */
export function exprToJson(expr: Expr): unknown {
  switch (expr.kind) {
    case "aggregate":
      return {
        type: "aggregation",
        op: expr.op,
        expr: exprToJson(expr.expr),
        param: expr.param ? exprToJson(expr.param) : null,
        grouping: expr.grouping,
        without: expr.without,
      };
    case "binary":
      return {
        type: "binaryExpr",
        op: expr.op,
        lhs: exprToJson(expr.lhs),
        rhs: exprToJson(expr.rhs),
        matching: expr.matching
          ? {
              card: expr.matching.card,
              labels: expr.matching.labels,
              on: expr.matching.on,
              include: expr.matching.include,
              fillValues: { lhs: expr.matching.fillLeft ?? null, rhs: expr.matching.fillRight ?? null },
            }
          : null,
        bool: expr.returnBool,
      };
    case "call": {
      const { name, argTypes, variadic, returnType } = expr.func;
      return { type: "call", func: { name, argTypes, variadic, returnType }, args: expr.args.map(exprToJson) };
    }
    case "matrixSelector":
      return {
        type: "matrixSelector",
        range: expr.range,
        rangeExpr: durationJson(expr.rangeExpr),
        ...selectorJson(expr.selector),
      };
    case "subquery":
      return {
        type: "subquery",
        expr: exprToJson(expr.expr),
        range: expr.range,
        rangeExpr: durationJson(expr.rangeExpr),
        ...timeJson(expr),
        step: expr.step,
        stepExpr: durationJson(expr.stepExpr),
      };
    case "number":
      return { type: "numberLiteral", val: formatFloat(expr.value) };
    case "paren":
      return { type: "parenExpr", expr: exprToJson(expr.expr) };
    case "string":
      return { type: "stringLiteral", val: expr.value };
    case "unary":
      return { type: "unaryExpr", op: expr.op, expr: exprToJson(expr.expr) };
    case "vectorSelector":
      return { type: "vectorSelector", ...selectorJson(expr) };
  }
}
