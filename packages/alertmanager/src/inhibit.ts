/** Inhibition: an alert is muted while another one that makes it pointless fires. */
import type { Labels } from "@pharos/model";
import { type AlertStore, fingerprint, isResolved } from "./alerts.ts";
import type { InhibitRule } from "./config/config.ts";
import { matchAll } from "./matcher/matcher.ts";

export class Inhibitor {
  readonly #rules: readonly InhibitRule[];
  readonly #alerts: AlertStore;

  constructor(rules: readonly InhibitRule[], alerts: AlertStore) {
    this.#rules = rules;
    this.#alerts = alerts;
  }

  /** Fingerprints of the alerts that mute these labels. */
  inhibitors(labels: Labels, now: number): string[] {
    const found = new Set<string>();
    for (const rule of this.#rules) {
      if (!matchAll(rule.target, labels)) continue;
      // An alert that is on both sides is not muted by others that are, or two of them would silence each other.
      const onBothSides = matchAll(rule.source, labels);
      for (const source of this.#alerts.all()) {
        if (isResolved(source, now) || !matchAll(rule.source, source.labels)) continue;
        if (onBothSides && matchAll(rule.target, source.labels)) continue;
        if (rule.equal.every((name) => source.labels.get(name) === labels.get(name)))
          found.add(fingerprint(source.labels));
      }
    }
    return [...found].sort();
  }
}
