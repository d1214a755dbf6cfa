/** Walking a syntax tree. */
import type { Matcher } from "@pharos/model";
import type { Expr } from "./ast.ts";

/** The direct children, in the order of upstream's walk (an aggregation's parameter comes after its operand). */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "aggregate":
      return expr.param ? [expr.expr, expr.param] : [expr.expr];
    case "binary":
      return [expr.lhs, expr.rhs];
    case "call":
      return expr.args;
    case "matrixSelector":
      return [expr.selector];
    case "paren":
    case "subquery":
    case "unary":
      return [expr.expr];
    default:
      return [];
  }
}

/** Called for each node before its children; `path` are its ancestors, outermost first. False: do not descend. */
export type Visitor = (expr: Expr, path: readonly Expr[]) => boolean | undefined;

/** Depth first; `path` is only valid during the call. */
export function walk(expr: Expr, visitor: Visitor, path: Expr[] = []): void {
  if (visitor(expr, path) === false) return;
  path.push(expr);
  for (const child of childrenOf(expr)) walk(child, visitor, path);
  path.pop();
}

/** The matchers of every selector, in the order of the query. */
export function selectorsOf(expr: Expr): Matcher[][] {
  const out: Matcher[][] = [];
  walk(expr, (node) => {
    if (node.kind === "vectorSelector") out.push(node.matchers);
    return undefined;
  });
  return out;
}
