/** Durations behind `offset` and inside brackets: literals and arithmetic on them. */
import type { DurationExpr, DurationOp, DurationOperand, NumberLiteral, Position } from "./ast.ts";
import { TokenCursor } from "./cursor.ts";
import type { Token } from "./lexer.ts";
import { POWER, PRECEDENCE } from "./precedence.ts";

const DURATION_OPS = new Set(["+", "-", "*", "/", "%", "^"]);
const DURATION_CALLS = new Set(["step", "range", "max_of", "min_of"]);
/** Go's durations are int64 nanoseconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Where an unexpected token is said to be, and what was expected there. */
type Place = readonly [context: string, expected: string];

/** Parentheses are remembered so that the printed form parses to the same; a bare number becomes a unary plus. */
function wrap(operand: DurationOperand, pos: Position): DurationExpr {
  if (operand.kind === "duration") return { ...operand, wrapped: true };
  return { kind: "duration", op: "+", rhs: operand, wrapped: true, pos };
}

export class DurationParser extends TokenCursor {
  #depth = 0;

  protected positiveDuration(place: Place): DurationOperand {
    const operand = this.#duration(0, place);
    if (operand.kind === "number" && !(operand.value > 0)) {
      this.failAt(operand.pos, "duration must be greater than 0");
    }
    return operand;
  }

  /** Arithmetic on durations; `place` is where an unexpected token is said to be. */
  #duration(minimum: number, place: Place): DurationOperand {
    let lhs = this.#durationOperand(place);
    for (let chain = 0; ; chain++) {
      this.checkDepth(this.#depth + chain);
      const op = this.token;
      if (op.type !== "symbol" || !DURATION_OPS.has(op.id) || PRECEDENCE[op.id] < minimum) return lhs;
      this.advance();
      const rhs = this.#duration(op.id === "^" ? PRECEDENCE[op.id] : PRECEDENCE[op.id] + 1, place);
      if ((op.id === "/" || op.id === "%") && rhs.kind === "number" && rhs.value === 0) {
        this.failAt(op, `${op.id === "/" ? "division" : "modulo"} by zero`);
      }
      lhs = {
        kind: "duration",
        op: op.id as DurationOp,
        lhs,
        rhs,
        wrapped: false,
        pos: { start: lhs.pos.start, end: rhs.pos.end },
      };
    }
  }

  #durationOperand(place: Place): DurationOperand {
    this.checkDepth(++this.#depth);
    const operand = this.#nestedOperand(place);
    this.#depth--;
    return operand;
  }

  #nestedOperand(place: Place): DurationOperand {
    const token = this.token;
    if (token.type === "number" || token.type === "duration") return this.#durationLiteral(1, token.start);
    if (token.id === "+" || token.id === "-") {
      this.advance();
      return this.#negate(token, this.#duration(POWER, place));
    }
    if (token.id === "(") {
      this.advance();
      const inner = this.#duration(0, place);
      if (!this.is(")")) this.unexpected(...place);
      const close = this.advance();
      return wrap(inner, { start: token.start, end: close.end });
    }
    if (DURATION_CALLS.has(token.id)) {
      const call = this.#durationCall(place);
      if (call) return call;
    }
    this.unexpected(...place);
  }

  #durationLiteral(sign: 1 | -1, start: number): NumberLiteral {
    const literal = this.numberOrDuration();
    const value = sign * literal.value;
    if (value > MAX_SECONDS || value < -MAX_SECONDS) {
      this.failAt(start === literal.pos.start ? literal.pos : { start, end: start + 1 }, "duration out of range");
    }
    return { ...literal, value, pos: { start, end: literal.pos.end } };
  }

  #durationCall(place: Place): DurationExpr | undefined {
    const token = this.token;
    const op = token.id;
    if (op !== "step" && op !== "range" && op !== "min_of" && op !== "max_of") return undefined;
    this.advance();
    if (!this.is("(")) this.unexpected(...place);
    this.advance();
    const operands: { lhs?: DurationOperand; rhs?: DurationOperand } = {};
    if (op === "min_of" || op === "max_of") {
      operands.lhs = this.#duration(0, place);
      if (!this.is(",")) this.unexpected(...place);
      this.advance();
      operands.rhs = this.#duration(0, place);
    }
    if (!this.is(")")) this.unexpected(...place);
    const { end } = this.advance();
    return { kind: "duration", op, ...operands, wrapped: false, pos: { start: token.start, end } };
  }

  #negate(sign: Token, operand: DurationOperand): DurationOperand {
    const pos = { start: sign.start, end: operand.pos.end };
    if (operand.kind === "number") {
      return { ...operand, value: sign.id === "-" ? -operand.value : operand.value, pos };
    }
    if (sign.id === "+") return operand;
    return { kind: "duration", op: "-", rhs: operand, wrapped: false, pos };
  }

  /** After `offset` a bare literal, step(), range(), min_of() or max_of() ends the duration; parentheses go on. */
  protected offsetDuration(): DurationOperand {
    const place: Place = ["offset", "number, duration, step(), or range()"];
    const first = this.token;
    if (first.type === "number" || first.type === "duration") return this.#durationLiteral(1, first.start);
    if (DURATION_CALLS.has(first.id)) {
      const call = this.#durationCall(place);
      if (call) return call;
    }
    if (first.id === "+" || first.id === "-") {
      const second = this.tokens[this.index + 1];
      if (second.type === "number" || second.type === "duration") {
        this.advance();
        return this.#durationLiteral(first.id === "-" ? -1 : 1, first.start);
      }
      if (DURATION_CALLS.has(second.id)) {
        this.advance();
        const call = this.#durationCall(place);
        if (!call) this.unexpected(...place);
        // Kept for a plus as well, as upstream does.
        const pos = { start: first.start, end: call.pos.end };
        return { kind: "duration", op: first.id, rhs: call, wrapped: false, pos };
      }
      if (second.id === "(") {
        this.advance();
        return this.#negate(first, this.#durationOperand(place));
      }
    }
    return this.#duration(0, place);
  }
}
