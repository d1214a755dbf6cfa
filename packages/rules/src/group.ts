/**
 * A rule group: its rules run in order, at one timestamp, every interval, at an offset that spreads groups over time
 * (upstream's rules/group.go).
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Appender,
  AppendResult,
  describeError,
  type Labels,
  Matcher,
  METRIC_NAME,
  SampleBuffer,
} from "@pharos/model";
import { selectorsOf } from "@pharos/promql";
import { AlertingRule } from "./alerting-rule.ts";
import type { RuleContext, RuleSample } from "./context.ts";
import { batchesOf, ConcurrencyLimit } from "./dependencies.ts";
import type { RuleMetrics } from "./metrics.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { RuleGroupSpec } from "./rule-file.ts";

/** What a storage knows the rules' series by, beside the names of scrape pools. */
const RULES = "(rules)";

/** Why storage does not take a sample, in upstream's words. */
const REFUSALS: Readonly<Record<number, string>> = {
  [AppendResult.outOfOrder]: "out of order sample",
  [AppendResult.outOfBounds]: "out of bounds",
  [AppendResult.tooOld]: "too old sample",
  [AppendResult.duplicate]: "duplicate sample for timestamp",
  [AppendResult.overBudget]: "the memory budget is used up: no new series are taken",
};

export type RuleHealth = "unknown" | "ok" | "err";

export interface RuleStatus {
  rule: AlertingRule | RecordingRule;
  health: RuleHealth;
  lastError: string;
  /** Unix ms, 0 before the first evaluation. */
  evaluatedAt: number;
  /** Seconds. */
  duration: number;
  /** Evaluations, one after the other up to the last, in which none of its selectors found anything. */
  unmatched: number;
}

interface Entry extends RuleStatus {
  /** Series written by the last evaluation, by key: those that vanish get a staleness marker. */
  previous: Map<string, Labels>;
}

export interface GroupSettings {
  /** ms */
  interval: number;
  /** ms */
  queryOffset: number;
  externalLabels: Labels;
}

export class RuleGroup {
  readonly spec: RuleGroupSpec;
  readonly interval: number;
  readonly entries: Entry[];
  /** Unix ms of the last evaluation's start, 0 before the first. */
  evaluatedAt = 0;
  /** Seconds the last evaluation took. */
  duration = 0;
  readonly #context: RuleContext;
  readonly #metrics: RuleMetrics;
  readonly #settings: GroupSettings;
  readonly #abort = new AbortController();
  readonly #batches: readonly number[][];
  readonly #concurrency: ConcurrencyLimit;
  #stale: Labels[] = [];
  #shouldRestore: boolean;
  #running: Promise<void> | undefined;

  constructor(
    spec: RuleGroupSpec,
    settings: GroupSettings,
    context: RuleContext,
    metrics: RuleMetrics,
    shouldRestore: boolean,
    concurrency: ConcurrencyLimit = new ConcurrencyLimit(0),
  ) {
    this.spec = spec;
    this.interval = spec.interval ?? settings.interval;
    this.#settings = settings;
    this.#context = context;
    this.#metrics = metrics;
    this.#shouldRestore = shouldRestore;
    this.#concurrency = concurrency;
    const batches = (context.maxConcurrentEvals ?? 1) > 1 ? batchesOf(spec.rules) : [];
    this.#batches = batches.length > 0 ? batches : spec.rules.map((_, i) => [i]);
    this.entries = spec.rules.map((rule) => {
      const made = rule.kind === "alerting" ? new AlertingRule(rule) : new RecordingRule(rule);
      if (made instanceof AlertingRule) made.restored = !shouldRestore;
      return {
        rule: made,
        health: "unknown",
        lastError: "",
        evaluatedAt: 0,
        duration: 0,
        unmatched: 0,
        previous: new Map(),
      };
    });
  }

  /** Identifies the group across reloads. */
  get key(): string {
    return `${this.spec.file};${this.spec.name}`;
  }

  get queryOffset(): number {
    return this.spec.queryOffset ?? this.#settings.queryOffset;
  }

  /** Continues the state of the same rules from before a reload; what is gone gets staleness markers. */
  adopt(previous: RuleGroup): void {
    this.evaluatedAt = previous.evaluatedAt;
    this.duration = previous.duration;
    const identity = (entry: Entry): string =>
      JSON.stringify([entry.rule.spec.kind, entry.rule.name, entry.rule.spec.labels]);
    const old = Map.groupBy(previous.entries, identity);
    for (const entry of this.entries) {
      const from = old.get(identity(entry))?.shift();
      if (!from) continue;
      entry.previous = from.previous;
      entry.health = from.health;
      entry.lastError = from.lastError;
      entry.evaluatedAt = from.evaluatedAt;
      entry.unmatched = from.unmatched;
      if (entry.rule instanceof AlertingRule && from.rule instanceof AlertingRule) entry.rule.adopt(from.rule);
    }
    for (const left of old.values()) {
      for (const entry of left) this.#stale.push(...entry.previous.values());
    }
    this.#stale.push(...previous.#stale);
  }

  start(): void {
    this.#running = this.#loop(this.#abort.signal);
  }

  /** Ends the loop after the evaluation in progress. With `retire`, series of a removed group end two intervals later. */
  async stop(retire: boolean, shutdown?: AbortSignal): Promise<void> {
    this.#abort.abort();
    await this.#running;
    if (!retire) return;
    const series = [...this.#stale, ...this.entries.flatMap((entry) => [...entry.previous.values()])];
    if (series.length === 0) return;
    const now = this.#context.now();
    void sleep(2 * this.interval, undefined, { signal: shutdown, ref: false }).then(
      () => this.#writeStale(series, now),
      () => {},
    );
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let due = this.#slot(this.#context.now()) + this.interval;
    let evaluations = 0;
    while (!signal.aborted) {
      try {
        await sleep(Math.max(0, due - this.#context.now()), undefined, { signal });
      } catch {
        return;
      }
      const missed = Math.floor((this.#context.now() - due) / this.interval);
      if (missed > 0) {
        this.#metrics.missed.labels(this.key).inc(missed);
        this.#metrics.scheduled.labels(this.key).inc(missed);
        due += missed * this.interval;
      }
      await this.evaluate(due);
      evaluations++;
      // Not after the first evaluation: recording rules the alerts depend on may not have run before it.
      if (this.#shouldRestore && evaluations === 2) {
        this.#shouldRestore = false;
        const started = performance.now();
        await this.#restore(this.#context.now());
        this.#metrics.restoreDuration.labels(this.key).set((performance.now() - started) / 1000);
      }
      due += this.interval;
    }
  }

  /** Start of the current interval of this group, in Unix ms. */
  #slot(now: number): number {
    const hash = createHash("sha256").update(this.key).digest().readUInt32BE(0);
    const offset = hash % this.interval;
    return now - ((now - offset) % this.interval);
  }

  /** Evaluates all rules once as of `timeMs`. */
  async evaluate(timeMs: number): Promise<void> {
    const started = performance.now();
    this.#metrics.scheduled.labels(this.key).inc();
    const { inGroup = <T>(_group: unknown, work: () => Promise<T>) => work() } = this.#context;
    let samples = 0;
    for (const batch of this.#batches) {
      const beside: Promise<number>[] = [];
      for (const i of batch) {
        // A reload or the end of the server does not wait for rules that have not begun.
        if (this.#abort.signal.aborted) break;
        const run = (): Promise<number> => inGroup(this.spec, () => this.#evaluateRule(this.entries[i], timeMs));
        const place = batch.length > 1 ? this.#concurrency.take() : undefined;
        if (place) beside.push(run().finally(() => place[Symbol.dispose]()));
        else samples += await run();
      }
      for (const count of await Promise.all(beside)) samples += count;
    }
    if (this.#abort.signal.aborted) return;
    if (this.#stale.length > 0) this.#writeStale(this.#stale.splice(0), timeMs - this.queryOffset);
    this.evaluatedAt = timeMs;
    this.duration = (performance.now() - started) / 1000;
    const { groupDuration, lastEvaluation, lastDuration, ruleDurations, samples: sampleCount } = this.#metrics;
    groupDuration.observe(this.duration);
    lastEvaluation.labels(this.key).set(timeMs / 1000);
    lastDuration.labels(this.key).set(this.duration);
    ruleDurations.labels(this.key).set(this.entries.reduce((sum, { duration }) => sum + duration, 0));
    sampleCount.labels(this.key).set(samples);
  }

  /** Answers the number of samples. */
  async #evaluateRule(entry: Entry, timeMs: number): Promise<number> {
    const started = performance.now();
    const { rule } = entry;
    let count = 0;
    this.#metrics.evaluations.labels(this.key).inc();
    try {
      const { limit } = this.spec;
      const samples =
        rule instanceof AlertingRule
          ? await rule.evaluate(this.#context, timeMs, this.queryOffset, limit, this.#settings.externalLabels)
          : await rule.evaluate(this.#context, timeMs, this.queryOffset, limit);
      count = samples.length;
      const found = rule.samplesRead !== 0 || selectorsOf(rule.spec.expr).length === 0;
      entry.unmatched = found ? 0 : entry.unmatched + 1;
      if (rule instanceof AlertingRule) {
        const due = rule.takeDue(this.#context, timeMs, this.interval);
        if (due.length > 0) this.#context.notify(due);
      }
      const refusal = this.#write(entry, samples, timeMs - this.queryOffset);
      entry.health = refusal === "" ? "ok" : "err";
      entry.lastError = refusal;
    } catch (error) {
      entry.health = "err";
      entry.lastError = describeError(error);
      this.#metrics.failures.labels(this.key).inc();
      this.#context.log.warn("Evaluating rule failed", {
        name: rule.name,
        file: this.spec.file,
        group: this.spec.name,
        err: error,
      });
    }
    entry.evaluatedAt = timeMs;
    entry.duration = (performance.now() - started) / 1000;
    this.#metrics.ruleDuration.observe(entry.duration);
    return count;
  }

  /** Writes what an evaluation gave, and markers for what it does not give any more; answers why some of it was refused. */
  #write(entry: Entry, samples: RuleSample[], timeMs: number): string {
    const appender = this.#context.appendable.appender(RULES);
    const written = new Map<string, Labels>();
    const refused = new Map<number, number>();
    const append = ({ labels, value, histogram }: RuleSample): number => {
      const ref = appender.series(labels);
      if (ref === 0) return AppendResult.overBudget;
      return histogram ? appender.appendHistogram(ref, timeMs, histogram) : appender.append(ref, timeMs, value);
    };
    for (const sample of samples) {
      const result = append(sample);
      if (result === AppendResult.ok) written.set(sample.labels.key(), sample.labels);
      else refused.set(result, (refused.get(result) ?? 0) + 1);
    }
    for (const [key, labels] of entry.previous) if (!written.has(key)) appendStale(appender, labels, timeMs);
    appender.commit();
    entry.previous = written;
    let last = "";
    for (const [result, count] of refused) {
      last = REFUSALS[result] ?? "sample refused";
      this.#context.log.warn("Rule evaluation result discarded", {
        name: entry.rule.name,
        file: this.spec.file,
        group: this.spec.name,
        err: last,
        num_dropped: count,
      });
    }
    return last;
  }

  #writeStale(series: Labels[], timeMs: number): void {
    const appender = this.#context.appendable.appender(RULES);
    for (const labels of series) appendStale(appender, labels, timeMs);
    appender.commit();
  }

  async #restore(timeMs: number): Promise<void> {
    for (const { rule } of this.entries) {
      if (!(rule instanceof AlertingRule) || rule.restored) continue;
      if (!rule.needsRestore(this.#context)) {
        rule.restored = true;
        continue;
      }
      try {
        rule.restore(this.#context, timeMs, await this.#lastStates(rule, timeMs));
      } catch (error) {
        rule.restored = true;
        this.#context.log.error("restoring alert state failed", { group: this.key, alert: rule.name, err: error });
      }
    }
  }

  async #lastStates(rule: AlertingRule, timeMs: number): Promise<Map<string, { t: number; activeAt: number }>> {
    const mint = timeMs - this.#context.outageTolerance;
    using querier = this.#context.queryable.querier(mint, timeMs);
    const matchers = [
      new Matcher("=", METRIC_NAME, "ALERTS_FOR_STATE"),
      new Matcher("=", "alertname", rule.spec.alert),
    ];
    const states = new Map<string, { t: number; activeAt: number }>();
    const buffer = new SampleBuffer();
    for (const series of await querier.select(matchers)) {
      buffer.clear();
      series.read(mint, timeMs, buffer);
      for (let i = buffer.length - 1; i >= 0; i--) {
        // Written by this run after the restart: not what we are looking for, nor is a marker.
        if (buffer.isStale(i)) continue;
        const key = series.labels.withoutMetricName().key();
        states.set(key, { t: buffer.timestamps[i], activeAt: buffer.values[i] * 1000 });
        break;
      }
    }
    return states;
  }
}

function appendStale(appender: Appender, labels: Labels, timeMs: number): void {
  const ref = appender.series(labels);
  if (ref !== 0) appender.appendStale(ref, timeMs);
}
