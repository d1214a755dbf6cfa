/** Type checking of a parsed query, with upstream's messages. */
import type { BinaryExpr, Call, Expr, Position, ValueType, VectorSelector } from "./ast.ts";
import { documentedType, isComparison, isSetOp, typeOf } from "./ast.ts";
import { PromqlParseError } from "./error.ts";
import { quote } from "./text.ts";

const SCALAR_PARAMETER: ReadonlySet<string> = new Set(["topk", "bottomk", "quantile", "limitk", "limit_ratio"]);

/**
 * Throws PromqlParseError at the first type error. Completes the vector matching of binary operations: none unless both
 * sides are vectors, many-to-many for set operators.
 */
export function checkTypes(expr: Expr, query: string): void {
  new Checker(query).check(expr);
}

class Checker {
  readonly #query: string;

  constructor(query: string) {
    this.#query = query;
  }

  #fail(pos: Position, message: string): never {
    throw new PromqlParseError(this.#query, pos.start, pos.end, message);
  }

  #expect(expr: Expr, wanted: ValueType, context: string): void {
    const type = this.check(expr);
    if (type !== wanted) {
      this.#fail(expr.pos, `expected type ${documentedType(wanted)} in ${context}, got ${documentedType(type)}`);
    }
  }

  check(expr: Expr): ValueType {
    switch (expr.kind) {
      case "aggregate":
        this.#expect(expr.expr, "vector", "aggregation expression");
        if (SCALAR_PARAMETER.has(expr.op)) this.#expect(expr.param!, "scalar", "aggregation parameter");
        if (expr.op === "count_values") this.#expect(expr.param!, "string", "aggregation parameter");
        break;
      case "binary":
        this.#binary(expr);
        break;
      case "call":
        this.#call(expr);
        break;
      case "paren":
        this.check(expr.expr);
        break;
      case "unary": {
        const type = this.check(expr.expr);
        if (type !== "scalar" && type !== "vector") {
          this.#fail(
            expr.pos,
            `unary expression only allowed on expressions of type scalar or instant vector, got ${quote(documentedType(type))}`,
          );
        }
        break;
      }
      case "subquery": {
        const type = this.check(expr.expr);
        if (type !== "vector") {
          this.#fail(expr.pos, `subquery is only allowed on instant vector, got ${type} instead`);
        }
        break;
      }
      case "matrixSelector":
        this.check(expr.selector);
        break;
      case "vectorSelector":
        this.#selector(expr, false);
        break;
    }
    return typeOf(expr);
  }

  #selector(selector: VectorSelector, mayBeEmpty: boolean): void {
    if (selector.name !== "") {
      for (const matcher of selector.matchers.slice(0, -1)) {
        if (matcher.name === "__name__") {
          this.#fail(
            selector.pos,
            `metric name must not be set twice: ${quote(selector.name)} or ${quote(matcher.value)}`,
          );
        }
      }
      return;
    }
    if (!mayBeEmpty && selector.matchers.every((matcher) => matcher.matchesEmpty)) {
      this.#fail(selector.pos, "vector selector must contain at least one non-empty matcher");
    }
  }

  /** The operator between the operands, without the spaces around it. */
  #operatorRange(expr: BinaryExpr): Position {
    let { end: start } = expr.lhs.pos;
    let end = expr.rhs.pos.start - 1;
    while (/\s/.test(this.#query[start] ?? "")) start++;
    while (/\s/.test(this.#query[end] ?? "")) end--;
    return { start, end };
  }

  #binary(expr: BinaryExpr): void {
    const { op } = expr;
    const left = this.check(expr.lhs);
    const right = this.check(expr.rhs);
    const matching = expr.matching!;
    if (expr.returnBool && !isComparison(op)) {
      this.#fail(this.#operatorRange(expr), "bool modifier can only be used on comparison operators");
    }
    if (isComparison(op) && !expr.returnBool && left === "scalar" && right === "scalar") {
      this.#fail(this.#operatorRange(expr), "comparisons between scalars must use BOOL modifier");
    }
    if (isSetOp(op) && matching.card === "one-to-one") matching.card = "many-to-many";
    if (matching.on) {
      for (const label of matching.labels) {
        if (matching.include.includes(label)) {
          this.#fail(this.#operatorRange(expr), `label ${quote(label)} must not occur in ON and GROUP clause at once`);
        }
      }
    }
    for (const [type, side] of [
      [left, expr.lhs],
      [right, expr.rhs],
    ] as const) {
      if (type !== "scalar" && type !== "vector") {
        this.#fail(side.pos, "binary expression must contain only scalar and instant vector types");
      }
    }
    const filled = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    if (left !== "vector" || right !== "vector") {
      if (matching.labels.length > 0) this.#fail(expr.pos, "vector matching only allowed between instant vectors");
      if (filled) this.#fail(expr.pos, "filling in missing series only allowed between instant vectors");
      delete expr.matching;
      if (isSetOp(op)) this.#fail(expr.pos, `set operator ${quote(op)} not allowed in binary scalar expression`);
    } else if (isSetOp(op)) {
      if (matching.card !== "many-to-many") this.#fail(expr.pos, `no grouping allowed for ${quote(op)} operation`);
      if (filled) this.#fail(expr.pos, "filling in missing series not allowed for set operators");
    }
  }

  #call(expr: Call): void {
    const { name, argTypes, variadic } = expr.func;
    const given = expr.args.length;
    const called = `in call to ${quote(name)}, got ${given}`;
    if (variadic === 0) {
      if (given !== argTypes.length) this.#fail(expr.pos, `expected ${argTypes.length} argument(s) ${called}`);
    } else {
      const least = argTypes.length - 1;
      if (given < least) this.#fail(expr.pos, `expected at least ${least} argument(s) ${called}`);
      if (variadic > 0 && given > least + variadic) {
        this.#fail(expr.pos, `expected at most ${least + variadic} argument(s) ${called}`);
      }
    }
    if (name === "info" && given > 1) this.#infoSelector(expr, expr.args[1]);
    for (let i = 0; i < given; i++) {
      if (name === "info" && i === 1) continue;
      const wanted = argTypes[Math.min(i, argTypes.length - 1)];
      const type = this.check(expr.args[i]);
      if (type !== wanted) {
        this.#fail(
          expr.args[i].pos,
          `expected type ${documentedType(wanted)} in call to function ${quote(name)}, got ${documentedType(type)}`,
        );
      }
    }
  }

  /** The second argument of info() only carries label matchers, and may match everything. */
  #infoSelector(call: Call, arg: Expr): void {
    const type = typeOf(arg);
    if (type !== "vector") {
      this.#fail(call.pos, `expected type instant vector in call to function "info", got ${documentedType(type)}`);
    }
    if (arg.kind !== "vectorSelector") this.#fail(arg.pos, "expected label selectors only");
    if (arg.name !== "") this.#fail(arg.pos, "expected label selectors only, got vector selector instead");
    this.#selector(arg, true);
  }
}
