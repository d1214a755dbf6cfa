/** Inhibition: which alerts are muted by which others. */

import { AlertMatcher, AlertStore, Inhibitor } from "@pharos/alertmanager";
import { Labels } from "@pharos/model";
import { suite } from "./cases.ts";
import { alertOf, type LabelMap } from "./stored-alert.ts";

interface InhibitTable {
  name: string;
  rules?: { source: LabelMap; target: LabelMap; equal: string[] }[];
  active_alerts?: LabelMap[];
  cases?: {
    target: LabelMap;
    muted: boolean;
    why?: string;
    sources?: { labels: LabelMap; ends_in_s: number | null }[];
    equal?: string[];
  }[];
  steps?: { alerts: LabelMap[]; expect: [LabelMap, boolean][] }[];
}

const equalities = (map: LabelMap) => Object.entries(map).map(([name, value]) => new AlertMatcher("=", name, value));
const ruleOf = ({ source, target, equal }: { source: LabelMap; target: LabelMap; equal: string[] }) => ({
  name: "",
  source: equalities(source),
  target: equalities(target),
  equal,
});

export const inhibit = suite("alertmanager-inhibit", "inhibit", (cases, read) => {
  const now = 1_000_000;
  for (const table of read<InhibitTable[]>("rules.json")) {
    for (const { target, muted, sources, equal, why } of table.cases ?? []) {
      const alerts = new AlertStore();
      // Tables without rules ask about sources that match already: only the target carries the mark.
      const mark = new AlertMatcher("=", "is_target", "yes");
      const rules = table.rules?.map(ruleOf) ?? [{ name: "", source: [], target: [mark], equal: equal ?? [] }];
      const inhibitor = new Inhibitor(rules, alerts);
      for (const labels of table.active_alerts ?? []) alerts.put([alertOf(labels, now + 60_000)]);
      for (const source of sources ?? []) {
        const endsAt = source.ends_in_s === null ? now + 60_000 : now + source.ends_in_s * 1000;
        alerts.put([alertOf(source.labels, endsAt)]);
      }
      const labels = table.rules ? target : { ...target, is_target: "yes" };
      const got = inhibitor.inhibition(Labels.from(labels), now) !== undefined;
      cases.check(`${table.name}: ${JSON.stringify(target)} ${why ?? ""}`, got, muted);
    }
    const alerts = new AlertStore();
    const inhibitor = new Inhibitor(table.rules?.map(ruleOf) ?? [], alerts);
    for (const { alerts: list, expect } of table.steps ?? []) {
      for (const { _resolved: resolved, ...labels } of list as (LabelMap & { _resolved?: unknown })[])
        alerts.put([alertOf(labels as LabelMap, resolved ? now - 1 : now + 60_000)]);
      for (const [labels, muted] of expect)
        cases.check(
          `${table.name}: ${JSON.stringify(labels)}`,
          inhibitor.inhibition(Labels.from(labels), now) !== undefined,
          muted,
        );
    }
  }
});
