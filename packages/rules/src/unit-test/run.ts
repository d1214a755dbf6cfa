/**
 * Unit tests of rules in promtool's format (upstream's cmd/promtool/unittest.go): input series go in, the rules are evaluated
 * on a clock of their own, and alerts and expressions are compared with what the test expects.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Registry, silentLogger } from "@pharos/kit";
import { describeError, formatDuration, formatGoDuration, Labels, UserError } from "@pharos/model";
import { Engine, type EngineOptions, formatHistogramNotation, parseSeriesDescription } from "@pharos/promql";
import { AlertingRule } from "../alerting-rule.ts";
import type { RuleContext, RuleQuery } from "../context.ts";
import { RuleGroup } from "../group.ts";
import { loadRuleFiles } from "../manager.ts";
import { createRuleMetrics } from "../metrics.ts";
import type { RuleGroupSpec } from "../rule-file.ts";
import {
  type ComparedAlert,
  type ComparedSample,
  describeAlerts,
  describeSamples,
  diffLines,
  indent,
  sameAlerts,
  sameSamples,
  sortAlerts,
  sortSamples,
} from "./compare.ts";
import {
  type AlertExpectation,
  type ExpressionExpectation,
  maxEvalTime,
  parseRuleTestFile,
  type RuleTestFile,
  type RuleTestGroup,
} from "./test-file.ts";
import { TestStorage } from "./test-storage.ts";

export interface RuleTestOptions extends EngineOptions {
  /** Only test groups whose name it accepts. */
  run?: (name: string) => boolean;
  /** Show alerts that differ as a list of differing lines. */
  diff?: boolean;
  /** Fields of rule files that are not known are passed over. */
  ignoreUnknownFields?: boolean;
  /** Told what happens, a line at a time. */
  debug?: (line: string) => void;
}

export interface RuleTestCase {
  name: string;
  /** Seconds it took. */
  seconds: number;
  /** Nothing when it passed. */
  failures: string[];
}

export interface RuleTestReport {
  file: string;
  cases: RuleTestCase[];
  /** Why nothing was run. */
  error: string | undefined;
  /** What may be a mistake. */
  warnings: string[];
}

export function failuresOf({ error, cases }: RuleTestReport): string[] {
  return error === undefined ? cases.flatMap(({ failures }) => failures) : [error];
}

const DECADE_MS = 10 * 365 * 86_400_000;

/** Runs a test file with the rule files that it names. Never throws for what the files say. */
export async function runRuleTestFile(file: string, options: RuleTestOptions = {}): Promise<RuleTestReport> {
  const warnings: string[] = [];
  try {
    const tests = parseRuleTestFile(readFileSync(file, "utf8"), file);
    const paths = tests.ruleFiles.flatMap((pattern) => {
      const path = isAbsolute(pattern) ? pattern : join(dirname(file), pattern);
      const found = globSync(path).sort();
      if (found.length === 0) warnings.push(`no file match pattern ${path}`);
      return found;
    });
    const cases = await runRuleTests(tests, () => loadRuleFiles(paths, options), options);
    return { file, cases, error: undefined, warnings };
  } catch (error) {
    return { file, cases: [], error: textOf(error), warnings };
  }
}

/** Runs the tests of a file over rules that the caller has; `rules` is called for each test and may throw a UserError. */
export async function runRuleTests(
  tests: RuleTestFile,
  rules: () => readonly RuleGroupSpec[],
  options: RuleTestOptions = {},
): Promise<RuleTestCase[]> {
  const cases: RuleTestCase[] = [];
  for (const [i, group] of tests.tests.entries()) {
    if (options.run && !options.run(group.name)) continue;
    const name = group.name || `unnamed#${i}`;
    const started = performance.now();
    options.debug?.(`Starting test ${name}`);
    let failures: string[];
    try {
      failures = await new GroupRun(tests, group, rules(), options).run();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures = [textOf(error)];
    }
    const seconds = (performance.now() - started) / 1000;
    options.debug?.(`Test ${name} finished, took ${seconds.toFixed(3)}s`);
    cases.push({ name, seconds, failures });
  }
  return cases;
}

function textOf(error: unknown): string {
  return error instanceof UserError ? error.describe() : describeError(error);
}

/** One group of tests: a storage, a clock, and the rules on it. */
class GroupRun {
  readonly #tests: RuleTestFile;
  readonly #group: RuleTestGroup;
  readonly #options: RuleTestOptions;
  readonly #storage: TestStorage;
  readonly #engine: Engine;
  readonly #groups: RuleGroup[];
  readonly #failures: string[] = [];

  constructor(tests: RuleTestFile, group: RuleTestGroup, rules: readonly RuleGroupSpec[], options: RuleTestOptions) {
    this.#tests = tests;
    this.#group = group;
    this.#options = options;
    const interval = group.interval ?? tests.evaluationInterval;
    this.#storage = new TestStorage(group.input, interval, group.start);
    this.#engine = new Engine({
      maxSamples: 10_000,
      timeoutMs: 100_000,
      defaultSubqueryStepMs: tests.evaluationInterval,
      ...options,
    });
    const registry = new Registry();
    const context: RuleContext = {
      query: this.#query,
      appendable: this.#storage,
      queryable: this.#storage,
      notify: () => {},
      externalUrl: () => group.externalUrl,
      log: silentLogger,
      registry,
      now: () => group.start,
      resendDelay: 60_000,
      outageTolerance: 0,
      forGracePeriod: 0,
    };
    const metrics = createRuleMetrics(registry);
    const settings = { interval, queryOffset: 0, externalLabels: group.externalLabels };
    const order = new Map(tests.groupEvalOrder.map((name, i) => [name, i]));
    this.#groups = rules
      .map((spec) => new RuleGroup(spec, settings, context, metrics, false))
      .sort((a, b) => (order.get(a.spec.name) ?? 0) - (order.get(b.spec.name) ?? 0));
  }

  readonly #query: RuleQuery = async (expr, timeMs) => {
    const { value, warnings } = await this.#engine.instant(this.#storage, expr, timeMs);
    if (value.type === "scalar") return { samples: [{ labels: Labels.empty, value: value.v }], warnings };
    if (value.type !== "vector") throw new Error("rule result is not a vector or scalar");
    return { samples: value.samples.map(({ labels, v, h }) => ({ labels, value: v, histogram: h })), warnings };
  };

  async run(): Promise<string[]> {
    const { start } = this.#group;
    const step = this.#tests.evaluationInterval;
    const end = start + maxEvalTime(this.#group);
    const alertTests = [...this.#group.alertTests].sort((a, b) => a.evalTime - b.evalTime);
    for (let time = start; time <= end; time += step) {
      this.#storage.advance(time);
      if (!(await this.#evaluate(time))) return this.#failures;
      // Alerts are as of the last evaluation before the time they are asked for.
      while (alertTests.length > 0 && start + alertTests[0].evalTime < time + step) {
        this.#checkAlerts(alertTests.shift()!);
      }
    }
    this.#storage.advance(end);
    for (const test of this.#group.expressionTests) await this.#checkExpression(test);
    if (this.#options.debug) await this.#dump(this.#options.debug);
    return this.#failures;
  }

  /** False when a rule failed: the test ends there. */
  async #evaluate(time: number): Promise<boolean> {
    let good = true;
    for (const group of this.#groups) {
      await group.evaluate(time);
      for (const { rule, lastError } of group.entries) {
        if (lastError === "") continue;
        good = false;
        this.#failures.push(`    rule: ${rule.name}, time: ${formatGoDuration(time)}, err: ${lastError}`);
      }
    }
    return good;
  }

  #checkAlerts({ alertname, evalTime, alerts }: AlertExpectation): void {
    const got: ComparedAlert[] = [];
    for (const { entries } of this.#groups) {
      for (const { rule } of entries) {
        if (!(rule instanceof AlertingRule) || rule.name !== alertname) continue;
        got.push(...rule.visible.filter(({ state }) => state === "firing"));
      }
    }
    const expected = sortAlerts([...alerts]);
    sortAlerts(got);
    if (sameAlerts(expected, got)) return;
    const by = " ".repeat(12);
    const name = this.#group.name === "" ? "" : `    name: ${this.#group.name},\n`;
    const head = `${name}    alertname: ${alertname}, time: ${formatDuration(evalTime)}, \n`;
    const [exp, seen] = [describeAlerts(expected), describeAlerts(got)];
    this.#failures.push(
      this.#options.diff
        ? `${head}        diff: ${indent(diffLines(exp, seen), by)}`
        : `${head}        exp:${indent(exp, by)}, \n        got:${indent(seen, by)}`,
    );
  }

  async #checkExpression({ expr, evalTime, samples }: ExpressionExpectation): Promise<void> {
    const head = `    expr: ${JSON.stringify(expr)}, time: ${formatDuration(evalTime)},`;
    let got: ComparedSample[];
    try {
      const result = await this.#query(expr, this.#group.start + evalTime);
      got = result.samples.map(({ labels, value, histogram }) => ({
        labels,
        value,
        histogram: histogram ? formatHistogramNotation(histogram) : "",
      }));
    } catch (error) {
      this.#failures.push(`${head} err: ${describeError(error)}`);
      return;
    }
    const expected: ComparedSample[] = [];
    for (const sample of samples) {
      try {
        expected.push(readExpected(sample));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        this.#failures.push(`${head} err: labels ${JSON.stringify(sample.labels)}: ${error.message}`);
        return;
      }
    }
    sortSamples(expected);
    sortSamples(got);
    if (sameSamples(expected, got, this.#tests.fuzzyCompare)) return;
    this.#failures.push(`${head}\n        exp: ${describeSamples(expected)}\n        got: ${describeSamples(got)}`);
  }

  /** All that is in the storage at the end. */
  async #dump(debug: (line: string) => void): Promise<void> {
    // A time may have parts of a second, which a range of PromQL has not.
    const span = Math.floor(maxEvalTime(this.#group) / 1000 + 1) * 1000;
    const range = formatDuration(Math.min(span, DECADE_MS));
    const time = this.#group.start + span;
    const { value } = await this.#engine.instant(this.#storage, `{__name__=~".+"}[${range}]`, time);
    debug(`Dump of all data (input_series and rules) at ${range}:`);
    if (value.type !== "matrix") return;
    for (const { labels, timestamps, values, histograms } of value.series) {
      debug(`${labels} =>`);
      for (let i = 0; i < timestamps.length; i++) {
        const histogram = histograms?.[i];
        debug(`${histogram ? formatHistogramNotation(histogram) : values[i]} @[${timestamps[i]}]`);
      }
    }
  }
}

function readExpected({ labels, value, histogram }: ExpressionExpectation["samples"][number]): ComparedSample {
  const parsed = labels.trim() === "" ? Labels.empty : parseSeriesDescription(`${labels} _`).labels;
  if (histogram === "") return { labels: parsed, value, histogram };
  const { values } = parseSeriesDescription(`{} ${histogram}`);
  if (values.length !== 1) throw new UserError("rules.test", `expected 1 value, got ${values.length}`);
  if (!values[0].histogram) throw new UserError("rules.test", `expected histogram, got ${values[0].value}`);
  return { labels: parsed, value, histogram: formatHistogramNotation(values[0].histogram) };
}
