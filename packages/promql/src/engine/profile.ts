/**
 * What each part of a query took: its plan as a tree with series, samples, bytes and time, for people who want to know where
 * a query spends what it spends. Measured while the query runs, in the way in which rows are pulled through the plan.
 */
import type { Expr, Position, ValueType } from "../parser/ast.ts";
import { typeOf } from "../parser/ast.ts";
import { formatExpr } from "../parser/printer.ts";
import { childrenOf } from "../parser/walk.ts";
import type { Context, QueryState } from "./context.ts";
import type { Plan } from "./plan.ts";
import type { RangeSource } from "./range-selector.ts";
import { changeRows, type VectorResult } from "./row.ts";

/** A part of a query and what its evaluation took; serialisable. */
export interface PlanNode {
  /** As in the syntax tree: vectorSelector, matrixSelector, aggregate, call, binary, … */
  kind: Expr["kind"];
  /** The part alone, without its operands: `sum by (job)`, `rate`, `*`, or a selector. */
  operation: string;
  /** The part with its operands. */
  query: string;
  type: ValueType;
  /** Offsets into the query. */
  pos: Position;
  /** The same at every step, and therefore evaluated once. */
  invariant: boolean;
  /** Of selectors: histograms are read without their buckets. */
  statsOnly: boolean;
  /** How often it was evaluated on a grid, and the steps of those grids together. */
  evaluations: number;
  steps: number;
  /** Series that came out. */
  series: number;
  /** Of selectors samples read from storage, of others samples that came out; a histogram counts by its size. */
  samples: number;
  /** Bytes of what came out, if all of it were held at once. */
  bytes: number;
  /** ms, with and without its operands. Times in which other queries had their turn do not count. */
  totalMs: number;
  selfMs: number;
  children: PlanNode[];
}

interface Measures {
  evaluations: number;
  steps: number;
  series: number;
  samples: number;
  bytes: number;
  totalMs: number;
}

const SAMPLE_BYTES = 16;

export class Profiler {
  readonly #measures = new Map<Expr, Measures>();

  #of(expr: Expr): Measures {
    let measures = this.#measures.get(expr);
    if (!measures) {
      measures = { evaluations: 0, steps: 0, series: 0, samples: 0, bytes: 0, totalMs: 0 };
      this.#measures.set(expr, measures);
    }
    return measures;
  }

  /** Time that passes for this query only. */
  #clock(query: QueryState): number {
    return performance.now() - query.pausedMs;
  }

  async scalar(expr: Expr, context: Context, run: () => Promise<Float64Array>): Promise<Float64Array> {
    const measures = this.#begin(expr, context);
    const began = this.#clock(context.query);
    const values = await run();
    measures.totalMs += this.#clock(context.query) - began;
    measures.samples += values.length;
    measures.bytes += values.byteLength;
    return values;
  }

  async vector(expr: Expr, context: Context, run: () => Promise<VectorResult>): Promise<VectorResult> {
    const measures = this.#begin(expr, context);
    const began = this.#clock(context.query);
    const vector = await run();
    measures.totalMs += this.#clock(context.query) - began;
    measures.series += vector.series.length;
    const counted = changeRows(vector, vector, (row) => {
      if (expr.kind !== "vectorSelector") measures.samples += row.sampleCount;
      measures.bytes += context.rowBytes + (row.histograms ? row.sampleCount * SAMPLE_BYTES : 0);
      return row;
    });
    return {
      series: vector.series,
      columns: vector.columns,
      read: (index) => {
        const start = this.#clock(context.query);
        const read = context.query.samplesRead;
        const finish = () => {
          measures.totalMs += this.#clock(context.query) - start;
          if (expr.kind === "vectorSelector") measures.samples += context.query.samplesRead - read;
        };
        const answer = counted.read(index);
        if (!(answer instanceof Promise)) {
          finish();
          return answer;
        }
        return answer.finally(finish);
      },
    };
  }

  async range(expr: Expr, context: Context, run: () => Promise<RangeSource>): Promise<RangeSource> {
    const measures = this.#begin(expr, context);
    const began = this.#clock(context.query);
    const source = await run();
    measures.totalMs += this.#clock(context.query) - began;
    measures.series += source.series.length;
    return {
      ...source,
      read: (index) => {
        const start = this.#clock(context.query);
        const buffer = source.read(index);
        measures.totalMs += this.#clock(context.query) - start;
        measures.samples += buffer.length;
        measures.bytes += buffer.length * SAMPLE_BYTES;
        return buffer;
      },
    };
  }

  #begin(expr: Expr, context: Context): Measures {
    const measures = this.#of(expr);
    measures.evaluations++;
    measures.steps += context.steps;
    return measures;
  }

  /** The plan with what was measured. Parentheses are left out, and the selector of a range is told with the range. */
  tree(plan: Plan, query: QueryState): PlanNode {
    const node = (expr: Expr, hoisted = false): PlanNode => {
      const invariant = hoisted || plan.invariants.has(expr);
      if (expr.kind === "paren") return node(expr.expr, invariant);
      const children = expr.kind === "matrixSelector" ? [] : childrenOf(expr).map((child) => node(child));
      const measures = this.#of(expr);
      const below = children.reduce((sum, child) => sum + child.totalMs, 0);
      const selector = expr.kind === "matrixSelector" ? expr.selector : expr;
      const selected = selector.kind === "vectorSelector" ? query.selections.get(selector)?.length : undefined;
      return {
        kind: expr.kind,
        operation: operationOf(expr),
        query: formatExpr(expr),
        type: typeOf(expr),
        pos: expr.pos,
        invariant,
        statsOnly: selector.kind === "vectorSelector" && plan.statsOnly.has(selector),
        ...measures,
        series: Math.max(measures.series, selected ?? 0),
        selfMs: Math.max(0, measures.totalMs - below),
        children,
      };
    };
    return node(plan.expr);
  }
}

function operationOf(expr: Expr): string {
  switch (expr.kind) {
    case "aggregate": {
      if (!expr.without && expr.grouping.length === 0) return expr.op;
      return `${expr.op} ${expr.without ? "without" : "by"} (${expr.grouping.join(", ")})`;
    }
    case "call":
      return expr.func.name;
    case "binary":
    case "unary":
      return expr.op;
    case "subquery":
      return "subquery";
    default:
      return formatExpr(expr);
  }
}
