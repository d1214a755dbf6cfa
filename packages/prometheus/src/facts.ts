/** Facts of a running server for in-process views: the flow page draws them. */
import type { Notifier } from "@pharos/notify";
import { formatExpr } from "@pharos/promql";
import type { RuleManager } from "@pharos/rules";
import { AlertingRule } from "@pharos/rules";
import type { ScrapeManager } from "@pharos/scrape";
import type { Db } from "@pharos/tsdb";

export interface PoolFacts {
  name: string;
  /** Why there are no targets; empty when there are some. */
  emptyReason: string;
  job: string;
  up: number;
  down: number;
  unknown: number;
  lastError: string;
  /** What to change about it, when the scraper knows. */
  lastErrorFix: string;
  /** Samples of the last scrape of all targets together. */
  samples: number;
  /** Seconds. */
  interval: number;
}

export interface PrometheusFacts {
  pools: PoolFacts[];
  series: number;
  rules: {
    groups: number;
    alerting: number;
    recording: number;
    pending: number;
    firing: number;
    failing: { group: string; rule: string; error: string }[];
    /** Rules whose selectors have found nothing for some evaluations. */
    unmatched: { group: string; rule: string; evaluations: number }[];
  };
  notifications: { sent: number; failed: number; dropped: number; queued: number; alertmanagers: string[] };
  reload: { successful: boolean; message: string };
}

export function poolFacts(scrape: ScrapeManager, emptyReason: (pool: string) => string): PoolFacts[] {
  const { active } = scrape.targets();
  return scrape.pools().map((name) => {
    const targets = active.filter(({ scrapePool }) => scrapePool === name);
    const down = targets.find(({ health }) => health === "down");
    const count = (health: string): number => targets.filter((target) => target.health === health).length;
    return {
      name,
      emptyReason: targets.length === 0 ? emptyReason(name) : "",
      job: targets[0]?.labels.get("job") ?? "",
      up: count("up"),
      down: count("down"),
      unknown: count("unknown"),
      lastError: down?.lastError ?? "",
      lastErrorFix: down?.lastErrorFix ?? "",
      samples: targets.reduce((sum, { lastSamples }) => sum + lastSamples, 0),
      interval: (targets[0]?.intervalMs ?? 0) / 1000,
    };
  });
}

/** From so many evaluations on a rule that finds nothing is worth a look: a target may be late, or down for a moment. */
const UNMATCHED_EVALUATIONS = 3;

/** Rules whose selectors find no series: the metric has another name, or nobody scrapes it. */
export function unmatchedRules(rules: RuleManager) {
  return rules.groups().flatMap(({ spec, entries }) =>
    entries
      .filter(({ unmatched }) => unmatched >= UNMATCHED_EVALUATIONS)
      .map(({ rule, unmatched }) => ({
        file: spec.file,
        group: spec.name,
        name: rule.name,
        query: formatExpr(rule.spec.expr),
        evaluations: unmatched,
      })),
  );
}

export function ruleFacts(rules: RuleManager): PrometheusFacts["rules"] {
  const groups = rules.groups();
  const entries = groups.flatMap((group) => group.entries.map((entry) => ({ group, ...entry })));
  const alerts = rules.alertingRules().flatMap((rule) => rule.visible);
  return {
    groups: groups.length,
    alerting: entries.filter(({ rule }) => rule instanceof AlertingRule).length,
    recording: entries.filter(({ rule }) => !(rule instanceof AlertingRule)).length,
    pending: alerts.filter(({ state }) => state === "pending").length,
    firing: alerts.filter(({ state }) => state === "firing").length,
    failing: entries
      .filter(({ health }) => health === "err")
      .map(({ group, rule, lastError }) => ({ group: group.spec.name, rule: rule.name, error: lastError })),
    unmatched: unmatchedRules(rules).map(({ group, name, evaluations }) => ({ group, rule: name, evaluations })),
  };
}

export function notificationFacts(notifier: Notifier): PrometheusFacts["notifications"] {
  const { sent, failed, dropped, queued } = notifier.counts();
  return { sent, failed, dropped, queued, alertmanagers: [...notifier.alertmanagers().active] };
}

export function seriesCount(db: Db): number {
  return db.headStats().numSeries;
}
