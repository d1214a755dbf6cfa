/** Inhibition: an alert is muted while another one that makes it pointless fires. */
import type { Labels } from "@pharos/model";
import { type AlertStore, fingerprint, isResolved, type StoredAlert } from "./alerts.ts";
import type { InhibitRule } from "./config/config.ts";
import { matchAll } from "./matcher/matcher.ts";

/** Sources of a rule, by the values of the labels that must be equal. */
class IndexedRule {
  readonly rule: InhibitRule;
  readonly #sources = new Map<string, Map<string, StoredAlert>>();

  constructor(rule: InhibitRule) {
    this.rule = rule;
  }

  /** A missing label counts as an empty one. */
  #key(labels: Labels): string {
    return this.rule.equal.map((name) => labels.get(name)).join("\xff");
  }

  put(alert: StoredAlert): void {
    if (!matchAll(this.rule.source, alert.labels)) return;
    const key = this.#key(alert.labels);
    let sources = this.#sources.get(key);
    if (!sources) this.#sources.set(key, (sources = new Map()));
    sources.set(fingerprint(alert.labels), alert);
  }

  forget(alert: StoredAlert): void {
    const key = this.#key(alert.labels);
    const sources = this.#sources.get(key);
    sources?.delete(fingerprint(alert.labels));
    if (sources?.size === 0) this.#sources.delete(key);
  }

  /** The first source that mutes these labels. */
  source(labels: Labels, now: number): StoredAlert | undefined {
    const { target, source } = this.rule;
    const sources = this.#sources.get(this.#key(labels));
    if (!sources || !matchAll(target, labels)) return undefined;
    // An alert that is on both sides is not muted by others that are, or two of them would silence each other.
    const onBothSides = matchAll(source, labels);
    for (const alert of sources.values()) {
      if (!isResolved(alert, now) && !(onBothSides && matchAll(target, alert.labels))) return alert;
    }
    return undefined;
  }
}

export interface Inhibition {
  /** Fingerprint of the alert that mutes. */
  by: string;
  /** Name of the rule; "" when it has none. */
  rule: string;
}

export class Inhibitor implements Disposable {
  readonly #rules: readonly IndexedRule[];
  readonly #subscription: Disposable;

  constructor(rules: readonly InhibitRule[], alerts: AlertStore) {
    this.#rules = rules.map((rule) => new IndexedRule(rule));
    if (rules.length > 0) for (const alert of alerts.values()) this.#put(alert);
    this.#subscription = alerts.subscribe({
      put: (alert) => this.#put(alert),
      forgotten: (gone) => {
        for (const alert of gone) for (const rule of this.#rules) rule.forget(alert);
      },
    });
  }

  #put(alert: StoredAlert): void {
    for (const rule of this.#rules) rule.put(alert);
  }

  /** What mutes these labels: the first rule that does. */
  inhibition(labels: Labels, now: number): Inhibition | undefined {
    for (const indexed of this.#rules) {
      const source = indexed.source(labels, now);
      if (source) return { by: fingerprint(source.labels), rule: indexed.rule.name };
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
