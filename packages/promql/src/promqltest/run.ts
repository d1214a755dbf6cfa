/** Runs promqltest files: each evaluation, and each instant one again pinned by `@` and as a step of a range query. */
import { Engine, type QueryResult } from "../engine/engine.ts";
import { isTimeDependent } from "../engine/plan.ts";
import type { Expr } from "../parser/ast.ts";
import { type ParserOptions, parseExpr } from "../parser/parse.ts";
import { formatExpr } from "../parser/printer.ts";
import { checkAnnotations, compareValue, matchesExpectation } from "./compare.ts";
import { convertClassicHistograms } from "./custom-buckets.ts";
import { MemoryStorage, type StoredSample } from "./memory-storage.ts";
import { type EvalCommand, type LoadCommand, parseScript } from "./script.ts";

export interface PromqltestFailure {
  file: string;
  line: number;
  query: string;
  message: string;
}

export interface PromqltestReport {
  passed: number;
  total: number;
  failures: PromqltestFailure[];
}

/** Everything experimental is on in these files. */
const LANGUAGE: ParserOptions = {
  experimentalFunctions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
};

/** The engine that the files are written for. */
export function promqltestEngine(): Engine {
  return new Engine({
    ...LANGUAGE,
    lookbackMs: 300_000,
    maxSamples: 10_000,
    timeoutMs: 100_000,
    defaultSubqueryStepMs: 60_000,
    delayedNameRemoval: true,
    useStartTimestamps: true,
  });
}

function load(storage: MemoryStorage, command: LoadCommand): void {
  // Of two lines with the same labels the later one counts.
  const lines = new Map(command.series.map((series) => [series.labels.key(), series]));
  const loaded = [...lines.values()].map(({ labels, values, starts }) => {
    const samples: StoredSample[] = [];
    values.forEach(({ omitted, value, stale, histogram }, i) => {
      if (omitted) return;
      const t = i * command.stepMs;
      const start = starts?.[i];
      samples.push({
        t,
        value,
        stale,
        ...(histogram ? { histogram } : {}),
        start: start === undefined ? 0 : t + start,
      });
    });
    return { labels, samples };
  });
  const custom = command.withCustomBuckets ? convertClassicHistograms(loaded) : [];
  for (const { labels, samples } of [...loaded, ...custom]) {
    for (const sample of samples) storage.append(labels, sample);
  }
}

interface Variant {
  query: string;
  time: number;
}

/** Pins every selector and outermost subquery without a time of its own to the time; undefined when that matters. */
function pin(expr: Expr, time: number): Expr | undefined {
  switch (expr.kind) {
    case "vectorSelector":
      return expr.timestamp === undefined ? { ...expr, timestamp: time } : expr;
    case "matrixSelector":
      return { ...expr, selector: pin(expr.selector, time) as typeof expr.selector };
    case "subquery":
      if (!pin(expr.expr, time)) return undefined;
      // Below a pinned subquery nothing is changed, but what depends on the time is still found.
      return expr.timestamp === undefined ? { ...expr, timestamp: time } : expr;
    case "call": {
      if (isTimeDependent(expr.func.name)) return undefined;
      const args = expr.args.map((arg) => pin(arg, time));
      return args.every((arg) => arg !== undefined) ? { ...expr, args } : undefined;
    }
    case "aggregate": {
      const inner = pin(expr.expr, time);
      const param = expr.param && pin(expr.param, time);
      if (!inner || (expr.param && !param)) return undefined;
      return param ? { ...expr, expr: inner, param } : { ...expr, expr: inner };
    }
    case "binary": {
      const lhs = pin(expr.lhs, time);
      const rhs = pin(expr.rhs, time);
      return lhs && rhs && { ...expr, lhs, rhs };
    }
    case "paren":
    case "unary": {
      const inner = pin(expr.expr, time);
      return inner && { ...expr, expr: inner };
    }
    default:
      return expr;
  }
}

function variants(command: EvalCommand): Variant[] {
  const time = command.rangeVector?.end ?? command.start;
  const out: Variant[] = [{ query: command.query, time }];
  const pinned = pin(parseExpr(command.query, LANGUAGE), time);
  if (!pinned) return out;
  const times = time === 0 ? [-1000, 0, 1000] : [-10 * time, 0, Math.trunc(time / 5), time, 10 * time];
  for (const at of times) out.push({ query: formatExpr(pinned), time: at });
  return out;
}

class Runner {
  readonly #storage = new MemoryStorage();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  load(command: LoadCommand): void {
    load(this.#storage, command);
  }

  clear(): void {
    this.#storage.clear();
  }

  /** What went wrong; nothing when all is as expected. */
  async evaluate(command: EvalCommand): Promise<string | undefined> {
    if (command.step > 0) {
      const { query, start, end, step } = command;
      return this.#check(command, () => this.#engine.range(this.#storage, query, start, end, step));
    }
    if (command.fail) return this.#instant(command, { query: command.query, time: command.start });
    for (const variant of variants(command)) {
      const problem = (await this.#instant(command, variant)) ?? (await this.#asRange(command, variant));
      if (problem) return `${problem} [${variant.query} at ${variant.time}]`;
    }
    return undefined;
  }

  #instant(command: EvalCommand, { query, time }: Variant): Promise<string | undefined> {
    return this.#check(command, () => this.#engine.instant(this.#storage, query, time));
  }

  async #check(command: EvalCommand, run: () => Promise<QueryResult>): Promise<string | undefined> {
    let result: QueryResult;
    try {
      result = await run();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!command.fail) return `error evaluating query: ${text}`;
      const wanted = command.fail.message ?? command.fail.pattern?.source;
      return matchesExpectation(command.fail, text) ? undefined : `expected error ${wanted}, but got: ${text}`;
    }
    if (command.fail) return "expected error but got none";
    const annotations = checkAnnotations(command, result);
    // The positions of a pinned query are others, so only the query itself has to have the right ones.
    return annotations ?? compareValue(command, result.value);
  }

  /** The middle step of a range query around the time must be the same as the instant result. */
  async #asRange(command: EvalCommand, { query, time }: Variant): Promise<string | undefined> {
    if (command.ordered || command.rangeVector || command.text !== undefined) return undefined;
    if (/(start|end|range|step)\(\)/.test(command.query)) return undefined;
    let result: QueryResult;
    try {
      result = await this.#engine.range(this.#storage, query, time - 60_000, time + 60_000, 60_000);
    } catch (error) {
      return `error evaluating as range query: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (result.value.type !== "matrix") return "a range query gave no matrix";
    const { series } = result.value;
    if (command.scalar) {
      const v = series[0].values[series[0].timestamps.indexOf(time)];
      return compareValue(command, { type: "scalar", t: time, v });
    }
    const samples = series.flatMap(({ labels, timestamps, values, histograms }) => {
      const i = timestamps.indexOf(time);
      if (i < 0) return [];
      const h = histograms?.[i];
      return [h ? { labels, t: time, v: 0, h } : { labels, t: time, v: values[i] }];
    });
    const problem = compareValue(command, { type: "vector", samples });
    return problem && `as range query: ${problem}`;
  }
}

/** Runs test scripts, each on an empty database; an evaluation counts as one, all its variants included. */
export async function runPromqltest(
  files: readonly { name: string; text: string }[],
  engine: Engine = promqltestEngine(),
): Promise<PromqltestReport> {
  const report: PromqltestReport = { passed: 0, total: 0, failures: [] };
  for (const { name, text } of files) {
    const runner = new Runner(engine);
    for (const command of parseScript(text, name)) {
      if (command.kind === "clear") runner.clear();
      else if (command.kind === "load") runner.load(command);
      else {
        report.total++;
        const message = await runner.evaluate(command);
        if (message === undefined) report.passed++;
        else report.failures.push({ file: name, line: command.line, query: command.query, message });
      }
    }
  }
  return report;
}
