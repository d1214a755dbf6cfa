/**
 * From a parsed query to what is evaluated: a copy of the tree in which durations, `@ start()`, `start()` and the like
 * have their values, together with the parts that give the same at every step and are therefore evaluated once.
 */
import type { Expr, NumberLiteral, TimeModifiers, VectorSelector } from "../parser/ast.ts";
import { evaluateDuration } from "./durations.ts";
import { statsOnlySelectors } from "./histogram-stats.ts";

/** Functions whose result depends on the evaluation time even when their arguments do not. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  "days_in_month",
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "end",
  "hour",
  "minute",
  "month",
  "year",
  "predict_linear",
  "range",
  "start",
  "step",
  "time",
  "timestamp",
]);

export function isTimeDependent(functionName: string): boolean {
  return TIME_DEPENDENT.has(functionName);
}

export interface Plan {
  expr: Expr;
  /** Evaluate these at the first step only. */
  invariants: ReadonlySet<Expr>;
  /** Read the histograms of these without their buckets. */
  statsOnly: ReadonlySet<VectorSelector>;
}

/** Whether a part is the same at every step, and whether hoisting it is worth anything. */
interface Invariance {
  invariant: boolean;
  hoist: boolean;
}

const VARIES: Invariance = { invariant: false, hoist: false };
const CONSTANT: Invariance = { invariant: true, hoist: false };
const HOIST: Invariance = { invariant: true, hoist: true };

/** Times in ms; `step` is 0 for an instant query. Throws QueryError for durations out of range. */
export function planQuery(expr: Expr, start: number, end: number, step: number): Plan {
  const planner = new Planner(start, end, step);
  const [planned, invariance] = planner.plan(expr);
  if (invariance.hoist) planner.invariants.add(planned);
  return { expr: planned, invariants: planner.invariants, statsOnly: statsOnlySelectors(planned) };
}

export function withoutParens(expr: Expr): Expr {
  return expr.kind === "paren" ? withoutParens(expr.expr) : expr;
}

class Planner {
  readonly invariants = new Set<Expr>();
  readonly #start: number;
  readonly #end: number;
  readonly #step: number;

  constructor(start: number, end: number, step: number) {
    this.#start = start;
    this.#end = end;
    this.#step = step;
  }

  #time<T extends TimeModifiers>(modifiers: T): T {
    const out = { ...modifiers };
    if (modifiers.offsetExpr) {
      out.offset = evaluateDuration(modifiers.offsetExpr, this.#step, this.#end - this.#start, true);
    }
    if (modifiers.startOrEnd) out.timestamp = modifiers.startOrEnd === "start" ? this.#start : this.#end;
    return out;
  }

  #range<T extends { range: number; rangeExpr?: Parameters<typeof evaluateDuration>[0] }>(expr: T): number {
    if (!expr.rangeExpr) return expr.range;
    return evaluateDuration(expr.rangeExpr, this.#step, this.#end - this.#start, false);
  }

  #hoistIf([expr, { hoist }]: [Expr, Invariance]): Expr {
    if (hoist) this.invariants.add(expr);
    return expr;
  }

  #contextValue(name: string): number | undefined {
    switch (name) {
      case "start":
        return this.#start / 1000;
      case "end":
        return this.#end / 1000;
      case "range":
        return (this.#end - this.#start) / 1000;
      case "step":
        return this.#start === this.#end ? 0 : this.#step / 1000;
      default:
        return undefined;
    }
  }

  plan(expr: Expr): [Expr, Invariance] {
    switch (expr.kind) {
      case "vectorSelector": {
        const selector = this.#time(expr);
        return [selector, selector.timestamp === undefined ? VARIES : HOIST];
      }
      case "matrixSelector": {
        const [selector, { invariant }] = this.plan(expr.selector);
        return [
          { ...expr, selector: selector as VectorSelector, range: this.#range(expr) },
          { invariant, hoist: false },
        ];
      }
      case "subquery": {
        const inner = this.plan(expr.expr);
        if (inner[1].invariant) this.invariants.add(inner[0]);
        const subquery = this.#time(expr);
        subquery.expr = inner[0];
        subquery.range = this.#range(expr);
        if (expr.stepExpr) {
          subquery.step = evaluateDuration(expr.stepExpr, this.#step, this.#end - this.#start, false);
        }
        return [subquery, { invariant: subquery.timestamp !== undefined, hoist: false }];
      }
      case "aggregate": {
        const [inner, invariance] = this.plan(withoutParens(expr.expr));
        const out = { ...expr, expr: inner };
        if (!expr.param) return [out, invariance];
        const [param, paramInvariance] = this.plan(withoutParens(expr.param));
        out.param = param;
        if (paramInvariance.invariant) return [out, invariance];
        // A varying parameter makes the aggregation vary; its operand may still be hoisted.
        if (invariance.hoist) this.invariants.add(inner);
        return [out, VARIES];
      }
      case "binary": {
        const lhs = this.plan(expr.lhs);
        const rhs = this.plan(expr.rhs);
        const both = lhs[1].invariant && rhs[1].invariant;
        const out = { ...expr, lhs: both ? lhs[0] : this.#hoistIf(lhs), rhs: both ? rhs[0] : this.#hoistIf(rhs) };
        return [out, both ? HOIST : VARIES];
      }
      case "call":
        return this.#call(expr);
      case "paren": {
        const [inner, invariance] = this.plan(expr.expr);
        return [{ ...expr, expr: inner }, invariance];
      }
      case "unary": {
        const [inner, invariance] = this.plan(expr.expr);
        return [{ ...expr, expr: inner }, invariance];
      }
      case "number":
      case "string":
        return [expr, CONSTANT];
    }
  }

  #call(expr: Extract<Expr, { kind: "call" }>): [Expr, Invariance] {
    const value = this.#contextValue(expr.func.name);
    if (value !== undefined) {
      const literal: NumberLiteral = { kind: "number", value, duration: false, pos: expr.pos };
      return [literal, CONSTANT];
    }
    const args = expr.args.map((arg) => this.plan(withoutParens(arg)));
    const allInvariant = args.every(([, { invariant }]) => invariant);
    // The time of a sample that is fixed by @ is fixed as well.
    const fixedTimestamp = expr.func.name === "timestamp" && args.every(([arg]) => arg.kind === "vectorSelector");
    if (allInvariant && (!TIME_DEPENDENT.has(expr.func.name) || fixedTimestamp)) {
      return [{ ...expr, args: args.map(([arg]) => arg) }, HOIST];
    }
    return [{ ...expr, args: args.map((arg) => this.#hoistIf(arg)) }, VARIES];
  }
}
