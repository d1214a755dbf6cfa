/** Binary operators on single samples. */
import type { FloatHistogram } from "@pharos/model";
import {
  addHistograms,
  divideHistogram,
  equalHistograms,
  IncompatibleSchemas,
  multiplyHistogram,
  subtractHistograms,
} from "../histogram/algebra.ts";
import { trimHistogram } from "../histogram/trim.ts";
import type { BinaryExpr, BinaryOp } from "../parser/ast.ts";
import type { Annotations } from "./annotations.ts";

/** Of two scalars; comparisons give 0 or 1. */
export function scalarOp(op: BinaryOp, a: number, b: number): number {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "^":
      return power(a, b);
    case "atan2":
      return Math.atan2(a, b);
    default:
      return compare(op, a, b) ? 1 : 0;
  }
}

/** As Go's math.Pow: ±1 to anything infinite, and 1 to NaN, are 1. */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && (b === Infinity || b === -Infinity)) ? 1 : a ** b;
}

export function compare(op: BinaryOp, a: number, b: number): boolean {
  switch (op) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    default:
      throw new Error(`no comparison: ${op}`);
  }
}

export type Sample = number | FloatHistogram;

/** Result of an operator: a sample, and for comparisons whether it holds. */
export interface Outcome {
  sample: Sample;
  keep: boolean;
}

/**
 * An operator that has a histogram on at least one side (or trims). Undefined, with the annotation recorded, when it
 * does not apply to these types.
 */
export function histogramOp(expr: BinaryExpr, a: Sample, b: Sample, annotations: Annotations): Outcome | undefined {
  const { op, pos } = expr;
  if (typeof a !== "number" && typeof b !== "number") return histogramPair(expr, a, b, annotations);
  if (typeof a !== "number" && typeof b === "number") {
    if (op === "*") return { sample: multiplyHistogram(a, b), keep: true };
    if (op === "/") return { sample: divideHistogram(a, b), keep: true };
    if (op === "</" || op === ">/") return { sample: trimHistogram(a, b, op === "</"), keep: true };
  } else if (typeof a === "number" && typeof b !== "number" && op === "*") {
    return { sample: multiplyHistogram(b, a), keep: true };
  }
  annotations.incompatibleTypes(typeName(a), op, typeName(b), pos);
  return undefined;
}

function typeName(sample: Sample): string {
  return typeof sample === "number" ? "float" : "histogram";
}

function histogramPair(
  { op, pos }: BinaryExpr,
  a: FloatHistogram,
  b: FloatHistogram,
  annotations: Annotations,
): Outcome | undefined {
  if (op === "==") return { sample: a, keep: equalHistograms(a, b) };
  if (op === "!=") return { sample: a, keep: !equalHistograms(a, b) };
  if (op !== "+" && op !== "-") {
    annotations.incompatibleTypes("histogram", op, "histogram", pos);
    return undefined;
  }
  try {
    const operation = op === "+" ? "addition" : "subtraction";
    const { histogram, resetCollision, boundsReconciled } = op === "+" ? addHistograms(a, b) : subtractHistograms(a, b);
    if (resetCollision) {
      // A collision voids the result, as upstream has it.
      annotations.counterResetCollision(operation, pos);
      return undefined;
    }
    if (boundsReconciled) annotations.customBucketsReconciled(operation, pos);
    // The difference of two counters may go down.
    return { sample: op === "-" ? { ...histogram, counterResetHint: "gauge" } : histogram, keep: true };
  } catch (error) {
    if (!(error instanceof IncompatibleSchemas)) throw error;
    annotations.incompatibleBucketLayout(op, pos);
    return undefined;
  }
}
