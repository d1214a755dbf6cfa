/**
 * Which rules of a group read what others of it write (upstream's rules/manager.go), and so in which order they may run at
 * once.
 */
import { METRIC_NAME } from "@pharos/model";
import { selectorsOf } from "@pharos/promql";
import type { RuleSpec } from "./rule-file.ts";

const ALERT_SERIES = ["ALERTS", "ALERTS_FOR_STATE"];

interface Dependencies {
  /** Rule `i` reads what another one writes. */
  reads: boolean[];
  /** Another one reads what rule `i` writes. */
  isRead: boolean[];
}

const nameOf = (rule: RuleSpec): string => (rule.kind === "recording" ? rule.record : rule.alert);

/** undefined when an expression may read anything: without the name of a metric nobody can tell. */
function dependenciesOf(rules: readonly RuleSpec[]): Dependencies | undefined {
  const reads = rules.map(() => false);
  const isRead = rules.map(() => false);
  if (rules.length <= 1) return { reads, isRead };
  for (const [i, rule] of rules.entries()) {
    for (const matchers of selectorsOf(rule.expr)) {
      const name = matchers.find((matcher) => matcher.name === METRIC_NAME);
      if (!name || ALERT_SERIES.some((series) => name.matches(series))) return undefined;
      rules.forEach((other, j) => {
        if (!name.matches(nameOf(other))) return;
        reads[i] = true;
        isRead[j] = true;
      });
    }
  }
  return { reads, isRead };
}

/**
 * Batches of indexes: the rules of a batch may run at once, the batches one after the other. First those that read nothing
 * of the others, then, each alone, those in the middle, then those nobody reads. Empty: in order, one by one.
 */
export function batchesOf(rules: readonly RuleSpec[]): number[][] {
  const dependencies = dependenciesOf(rules);
  if (!dependencies) return [];
  const { reads, isRead } = dependencies;
  const all = rules.map((_, i) => i);
  const first = all.filter((i) => !reads[i]);
  const middle = all.filter((i) => reads[i] && isRead[i]);
  const last = all.filter((i) => reads[i] && !isRead[i]);
  return [first, ...middle.map((i) => [i]), last].filter((batch) => batch.length > 0);
}

/** How many rules may run beside those whose turn it is; shared by all groups. */
export class ConcurrencyLimit {
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  /** A place, to be given back; undefined when there is none. */
  take(): Disposable | undefined {
    if (this.#free <= 0) return undefined;
    this.#free--;
    return { [Symbol.dispose]: () => void this.#free++ };
  }
}
