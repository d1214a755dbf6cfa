/** The value of duration expressions, known once the step and the range of the query are. */
import type { DurationOperand } from "../parser/ast.ts";
import { QueryError } from "./error.ts";

const MAX_SECONDS = 2 ** 63 / 1e9;

function fail(expr: DurationOperand, message: string): never {
  throw new QueryError("bad_data", `${expr.pos.start}:${expr.pos.end}: ${message}`);
}

function seconds(expr: DurationOperand, step: number, range: number): number {
  if (expr.kind === "number") return expr.value;
  const lhs = expr.lhs ? seconds(expr.lhs, step, range) : undefined;
  const rhs = expr.rhs ? seconds(expr.rhs, step, range) : 0;
  switch (expr.op) {
    case "step":
      return step / 1000;
    case "range":
      return range / 1000;
    case "min_of":
      return Math.min(lhs!, rhs);
    case "max_of":
      return Math.max(lhs!, rhs);
    case "+":
      return (lhs ?? 0) + rhs;
    case "-":
      return (lhs ?? 0) - rhs;
    case "*":
      return lhs! * rhs;
    case "/":
      if (rhs === 0) fail(expr, "division by zero");
      return lhs! / rhs;
    case "%":
      if (rhs === 0) fail(expr, "modulo by zero");
      return lhs! % rhs;
    case "^":
      return lhs! ** rhs;
  }
}

/** Milliseconds; `step` and `range` are those of the query in ms. Throws QueryError (bad_data) when out of range. */
export function evaluateDuration(expr: DurationOperand, step: number, range: number, mayBeNegative: boolean): number {
  const value = seconds(expr, step, range);
  if (!Number.isFinite(value)) fail(expr, "duration is NaN or infinite");
  if (value <= 0 && !mayBeNegative) fail(expr, "duration must be greater than 0");
  if (value > MAX_SECONDS || value < -MAX_SECONDS) fail(expr, "duration is out of range");
  return Math.trunc(value * 1000);
}
