/**
 * Evaluation and state of an alerting rule (upstream's rules/alerting.go): inactive → pending → firing → inactive, with
 * `for` before firing and `keep_firing_for` after it.
 */
import { expandPrometheusTemplate } from "@pharos/gotemplate";
import { type Alert, Labels, LabelsBuilder, METRIC_NAME } from "@pharos/model";
import { formatExpr } from "@pharos/promql";
import type { RuleContext, RuleSample } from "./context.ts";
import { graphLink } from "./links.ts";
import type { AlertingRuleSpec } from "./rule-file.ts";

export type AlertState = "inactive" | "pending" | "firing";

/** A resolved alert is kept, and sent again, this long, so that a lost notification is repaired. */
const RESOLVED_RETENTION_MS = 15 * 60_000;

export interface ActiveAlert {
  labels: Labels;
  annotations: Labels;
  value: number;
  state: AlertState;
  /** Unix ms; 0 where it has not happened. */
  activeAt: number;
  firedAt: number;
  resolvedAt: number;
  lastSentAt: number;
  validUntil: number;
  keepFiringSince: number;
}

export class AlertingRule {
  readonly spec: AlertingRuleSpec;
  /** Samples that the selectors found in the last evaluation, where it is known. */
  samplesRead: number | undefined;
  /** By key of the alert's labels; resolved ones stay for a while. */
  readonly active = new Map<string, ActiveAlert>();
  /** ALERTS series are written only once the state of an earlier run was looked up. */
  restored = false;

  /** The expression as links have it. */
  readonly #query: string;

  constructor(spec: AlertingRuleSpec) {
    this.spec = spec;
    this.#query = formatExpr(spec.expr);
  }

  get name(): string {
    return this.spec.alert;
  }

  get state(): AlertState {
    let state: AlertState = "inactive";
    for (const alert of this.active.values()) {
      if (alert.state === "firing") return "firing";
      if (alert.state === "pending") state = "pending";
    }
    return state;
  }

  /** The alerts people see: pending and firing ones. */
  get visible(): ActiveAlert[] {
    return [...this.active.values()].filter((alert) => alert.state !== "inactive");
  }

  /** Takes over the alerts of the same rule from before a reload. */
  adopt(previous: AlertingRule): void {
    for (const [key, alert] of previous.active) this.active.set(key, alert);
    this.restored = previous.restored;
  }

  async evaluate(
    context: RuleContext,
    timeMs: number,
    queryOffset: number,
    limit: number,
    externalLabels: Labels,
  ): Promise<RuleSample[]> {
    const { samples, samplesRead } = await context.query(this.spec.expr, timeMs - queryOffset);
    this.samplesRead = samplesRead;
    const found = new Map<string, { labels: Labels; annotations: Labels; value: number }>();
    for (const sample of samples) {
      const alert = await this.#build(context, sample, timeMs, externalLabels);
      const key = alert.labels.key();
      if (found.has(key)) throw new Error("vector contains metrics with the same labelset after applying alert labels");
      found.set(key, alert);
    }
    for (const [key, { labels, annotations, value }] of found) {
      const known = this.active.get(key);
      if (known && known.state !== "inactive") {
        known.value = value;
        known.annotations = annotations;
        continue;
      }
      this.active.set(key, {
        labels,
        annotations,
        value,
        state: "pending",
        activeAt: timeMs,
        firedAt: 0,
        resolvedAt: 0,
        lastSentAt: 0,
        validUntil: 0,
        keepFiringSince: 0,
      });
    }
    let firing = 0;
    const out: RuleSample[] = [];
    for (const [key, alert] of this.active) {
      if (!this.#advance(key, alert, found.has(key), timeMs)) continue;
      firing++;
      if (this.restored) out.push(...this.#series(alert));
    }
    if (limit > 0 && firing > limit) {
      this.active.clear();
      throw new Error(`exceeded limit of ${limit} with ${firing} alerts`);
    }
    return out;
  }

  /** Moves one alert on; false when it is not (any more) pending or firing. */
  #advance(key: string, alert: ActiveAlert, present: boolean, timeMs: number): boolean {
    if (present) alert.keepFiringSince = 0;
    else {
      let keep = false;
      if (alert.state === "firing" && this.spec.keepFiringFor > 0) {
        if (alert.keepFiringSince === 0) alert.keepFiringSince = timeMs;
        keep = timeMs - alert.keepFiringSince < this.spec.keepFiringFor;
      }
      if (!keep) {
        if (alert.state === "pending" || (alert.resolvedAt > 0 && timeMs - alert.resolvedAt > RESOLVED_RETENTION_MS)) {
          this.active.delete(key);
        }
        if (alert.state !== "inactive") {
          alert.state = "inactive";
          alert.resolvedAt = timeMs;
        }
        return false;
      }
    }
    if (alert.state === "pending" && timeMs - alert.activeAt >= this.spec.for) {
      alert.state = "firing";
      alert.firedAt = timeMs;
    }
    return true;
  }

  async #build(context: RuleContext, sample: RuleSample, timeMs: number, externalLabels: Labels) {
    const data = {
      labels: sample.labels.toObject(),
      externalLabels: externalLabels.toObject(),
      externalUrl: context.externalUrl(),
      value: sample.value,
      timestampMs: timeMs,
      query: async (expr: string, t: number) =>
        (await context.query(expr, t)).samples.map(({ labels, value }) => ({ labels: labels.toObject(), value })),
    };
    const expand = async (name: string, text: string): Promise<string> => {
      if (!text.includes("{{")) return text;
      try {
        const expanded = await expandPrometheusTemplate(text, { name: `__alert_${this.spec.alert}`, ...data });
        context.expanded?.(true);
        return expanded;
      } catch (error) {
        context.expanded?.(false);
        const message = error instanceof Error ? error.message : String(error);
        context.log.warn("expanding alert template failed", { alert: this.spec.alert, field: name, err: error });
        return `<error expanding template: ${message}>`;
      }
    };
    const labels = new LabelsBuilder(sample.labels);
    labels.delete(METRIC_NAME);
    for (const [name, text] of Object.entries(this.spec.labels)) labels.set(name, await expand(name, text));
    labels.set("alertname", this.spec.alert);
    const annotations: [string, string][] = [];
    for (const [name, text] of Object.entries(this.spec.annotations))
      annotations.push([name, await expand(name, text)]);
    return { labels: labels.build(), annotations: Labels.fromEntries(annotations), value: sample.value };
  }

  #series(alert: ActiveAlert): RuleSample[] {
    const state = new LabelsBuilder(alert.labels).set(METRIC_NAME, "ALERTS").set("alertstate", alert.state).build();
    const since = alert.labels.with(METRIC_NAME, "ALERTS_FOR_STATE");
    return [
      { labels: state, value: 1 },
      { labels: since, value: Math.floor(alert.activeAt / 1000) },
    ];
  }

  /** Alerts due to be sent at `timeMs`, marked as sent. */
  takeDue(context: RuleContext, timeMs: number, interval: number): Alert[] {
    const due: Alert[] = [];
    for (const alert of this.active.values()) {
      const changed = alert.resolvedAt > alert.lastSentAt;
      if (alert.state === "pending" || !(changed || alert.lastSentAt + context.resendDelay < timeMs)) continue;
      alert.lastSentAt = timeMs;
      alert.validUntil = timeMs + 4 * Math.max(context.resendDelay, interval);
      due.push({
        labels: alert.labels,
        annotations: alert.annotations,
        startsAt: alert.firedAt,
        endsAt: alert.resolvedAt || alert.validUntil,
        generatorURL: graphLink(context.externalUrl(), this.#query),
      });
    }
    return due;
  }

  /** Whether a restart must not reset the time this rule's alerts were pending. */
  needsRestore(context: RuleContext): boolean {
    return this.spec.for >= context.forGracePeriod;
  }

  /** Continues `for` from what ALERTS_FOR_STATE says of the time before the restart (upstream's RestoreForState). */
  restore(context: RuleContext, timeMs: number, last: Map<string, { t: number; activeAt: number }>): void {
    for (const alert of this.active.values()) {
      const entry = last.get(alert.labels.key());
      if (!entry || alert.state === "inactive") continue;
      const remaining = this.spec.for - (entry.t - entry.activeAt);
      if (remaining <= 0) alert.activeAt = entry.activeAt;
      else if (remaining < context.forGracePeriod) alert.activeAt = timeMs + context.forGracePeriod - this.spec.for;
      else alert.activeAt = entry.activeAt + (timeMs - entry.t);
    }
    this.restored = true;
  }
}
