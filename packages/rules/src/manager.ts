/** All rule groups of a server: loading, replacing on reload with their state kept, stopping. */
import { readFileSync } from "node:fs";
import { compareStrings, describeError, Labels, UserError } from "@pharos/model";
import type { AlertingRule } from "./alerting-rule.ts";
import { AlertingRule as Alerting } from "./alerting-rule.ts";
import type { RuleContext } from "./context.ts";
import { ConcurrencyLimit } from "./dependencies.ts";
import { type GroupSettings, RuleGroup } from "./group.ts";
import { createRuleMetrics, endGroupMetrics, type RuleMetrics, startGroupMetrics } from "./metrics.ts";
import { parseRuleFile, type RuleGroupSpec, type RuleLanguage } from "./rule-file.ts";

/** Reads rule files; all errors of all files in one UserError, so that a reload names everything to mend. */
export function loadRuleFiles(files: readonly string[], language: RuleLanguage = {}): RuleGroupSpec[] {
  const groups: RuleGroupSpec[] = [];
  const errors: UserError[] = [];
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      errors.push(new UserError("rules.unreadable", describeError(error), { where: { file }, cause: error }));
      continue;
    }
    const parsed = parseRuleFile(text, file, language);
    groups.push(...parsed.groups);
    errors.push(...parsed.errors);
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) {
    throw new UserError(
      "rules.invalid",
      `${errors.length} errors in rule files:\n${errors.map((e) => e.describe()).join("\n")}`,
    );
  }
  return groups;
}

export class RuleManager {
  readonly #context: RuleContext;
  readonly #metrics: RuleMetrics;
  readonly #shutdown = new AbortController();
  #groups = new Map<string, RuleGroup>();
  #settings: GroupSettings = { interval: 60_000, queryOffset: 0, externalLabels: Labels.empty };
  readonly #concurrency: ConcurrencyLimit;
  #first = true;

  constructor(context: RuleContext) {
    this.#metrics = createRuleMetrics(context.registry);
    const { expansions, expansionFailures } = this.#metrics;
    const expanded = (good: boolean): void => {
      expansions.inc();
      if (!good) expansionFailures.inc();
    };
    this.#context = { ...context, expanded };
    this.#concurrency = new ConcurrencyLimit(context.maxConcurrentEvals ?? 1);
  }

  /** Replaces the groups. Groups that did not change keep running untouched; changed ones keep the state of their rules. */
  async update(specs: readonly RuleGroupSpec[], settings: GroupSettings): Promise<void> {
    const restore = this.#first;
    this.#first = false;
    const settingsChanged = JSON.stringify(settings) !== JSON.stringify(this.#settings);
    this.#settings = settings;
    const next = new Map<string, RuleGroup>();
    const starting: RuleGroup[] = [];
    for (const spec of specs) {
      const group = new RuleGroup(spec, settings, this.#context, this.#metrics, restore, this.#concurrency);
      const old = this.#groups.get(group.key);
      if (old && !settingsChanged && sameGroup(old.spec, spec)) {
        next.set(group.key, old);
        continue;
      }
      if (old) {
        await old.stop(false);
        group.adopt(old);
      }
      next.set(group.key, group);
      starting.push(group);
    }
    for (const [key, old] of this.#groups) {
      if (next.has(key)) continue;
      await old.stop(true, this.#shutdown.signal);
      endGroupMetrics(this.#metrics, key);
    }
    this.#groups = next;
    for (const group of starting) {
      startGroupMetrics(this.#metrics, group.key);
      this.#metrics.interval.labels(group.key).set(group.interval / 1000);
      this.#metrics.rules.labels(group.key).set(group.entries.length);
      group.start();
    }
  }

  /** In order of file and name. */
  groups(): RuleGroup[] {
    return [...this.#groups.values()].sort(
      ({ spec: a }, { spec: b }) => compareStrings(a.file, b.file) || compareStrings(a.name, b.name),
    );
  }

  alertingRules(): AlertingRule[] {
    return this.groups().flatMap((group) =>
      group.entries.map(({ rule }) => rule).filter((rule) => rule instanceof Alerting),
    );
  }

  async stop(): Promise<void> {
    this.#shutdown.abort();
    await Promise.all(this.groups().map((group) => group.stop(false)));
  }
}

function sameGroup(a: RuleGroupSpec, b: RuleGroupSpec): boolean {
  const essence = ({ interval, limit, queryOffset, labels, rules }: RuleGroupSpec): string =>
    JSON.stringify([
      interval,
      limit,
      queryOffset,
      labels,
      rules.map(({ expr: _expr, where: _where, ...rule }) => rule),
    ]);
  return essence(a) === essence(b);
}
