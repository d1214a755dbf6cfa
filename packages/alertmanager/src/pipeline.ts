/** From a flushed group to its receiver: what is muted goes out, what was said already is not said again, the rest is sent. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import { Labels } from "@pharos/model";
import { isResolved, type StoredAlert } from "./alerts.ts";
import type { AlertmanagerConfig } from "./config/config.ts";
import { intervalContains } from "./config/time-intervals.ts";
import type { Group } from "./dispatch.ts";
import type { Inhibitor } from "./inhibit.ts";
import type { AlertmanagerMetrics } from "./metrics.ts";
import type { NotificationLog } from "./notification-log.ts";
import type { Integration, NotifyError } from "./notify/integration.ts";
import type { Silences } from "./silences.ts";

const BACKOFF = { initialMs: 500, factor: 1.5, maxMs: 60_000 };

/** An integration of a receiver and what became of its notifications. */
export interface Channel {
  integration: Integration;
  /** receiver/type/index */
  name: string;
  sent: number;
  failed: number;
  lastError: string;
  /** Unix ms; 0: never. */
  lastSentAt: number;
}

export interface PipelineParts {
  config: AlertmanagerConfig;
  channels: ReadonlyMap<string, Channel[]>;
  inhibitor: Inhibitor;
  silences: Silences;
  notifications: NotificationLog;
  metrics: AlertmanagerMetrics;
  externalUrl: () => string;
  log: Logger;
  now: () => number;
}

function hash(labels: Labels): string {
  return createHash("sha256").update(labels.pairs.join("\0")).digest("base64url").slice(0, 16);
}

const isSubset = (part: readonly string[], whole: ReadonlySet<string>): boolean => part.every((one) => whole.has(one));

/** Labels or annotations all of them share. */
function common(all: readonly Labels[]): Labels {
  const [first, ...rest] = all;
  return Labels.fromEntries([...first].filter(([name, value]) => rest.every((other) => other.get(name) === value)));
}

export class Pipeline {
  readonly #parts: PipelineParts;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** True when each integration has been told what it should know. */
  async run(group: Group, flushed: readonly StoredAlert[], now: number, signal: AbortSignal): Promise<boolean> {
    const { inhibitor, silences, channels, metrics } = this.#parts;
    const suppressed = metrics.suppressed;
    let alerts = flushed.filter(({ labels }) => inhibitor.inhibitors(labels, now).length === 0);
    suppressed.labels("inhibition").inc(flushed.length - alerts.length);
    group.mutedBy = this.#mutingIntervals(group, now);
    if (group.mutedBy.length > 0) {
      suppressed.labels("mute_time_interval").inc(alerts.length);
      return true;
    }
    const audible = alerts.filter(({ labels }) => silences.matching(labels, now).length === 0);
    suppressed.labels("silence").inc(alerts.length - audible.length);
    alerts = audible;
    if (alerts.length === 0) return true;
    const results = await Promise.all(
      (channels.get(group.route.receiver) ?? []).map((channel) => this.#notify(channel, group, alerts, now, signal)),
    );
    return results.every(Boolean);
  }

  #mutingIntervals({ route }: Group, now: number): string[] {
    const { timeIntervals } = this.#parts.config;
    const inside = (name: string): boolean => intervalContains(timeIntervals.get(name)!, now);
    const { activeTimeIntervals: active, muteTimeIntervals } = route;
    if (active.length > 0 && !active.some(inside)) return active;
    return muteTimeIntervals.filter(inside);
  }

  async #notify(
    channel: Channel,
    group: Group,
    alerts: readonly StoredAlert[],
    now: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { notifications } = this.#parts;
    const { repeatInterval } = group.route;
    const { sendResolved } = channel.integration.config;
    const firing = alerts.filter((alert) => !isResolved(alert, now));
    const firingHashes = firing.map(({ labels }) => hash(labels));
    const resolvedHashes = alerts.filter((alert) => isResolved(alert, now)).map(({ labels }) => hash(labels));
    const key = `${group.key}:${channel.name}`;
    const last = notifications.get(key, now);
    const needed = ((): boolean => {
      if (!last) return firing.length > 0;
      if (!isSubset(firingHashes, new Set(last.firing))) return true;
      if (firing.length === 0) return last.firing.length > 0;
      if (sendResolved && !isSubset(resolvedHashes, new Set(last.resolved))) return true;
      return last.timestamp < now - repeatInterval;
    })();
    if (!needed) return true;
    const told = sendResolved ? alerts : firing;
    if (told.length > 0 && !(await this.#send(channel, group, told, now, signal))) return false;
    notifications.put({
      key,
      timestamp: this.#parts.now(),
      expiresAt: this.#parts.now() + 2 * repeatInterval,
      firing: firingHashes,
      resolved: resolvedHashes,
    });
    return true;
  }

  /** Sends, again and again while that may help and there is time. */
  async #send(
    channel: Channel,
    group: Group,
    alerts: readonly StoredAlert[],
    now: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { metrics, log, externalUrl } = this.#parts;
    const { type } = channel.integration.config;
    const data = {
      receiver: group.route.receiver,
      status: alerts.some((alert) => !isResolved(alert, now)) ? ("firing" as const) : ("resolved" as const),
      alerts: [...alerts],
      groupLabels: group.labels,
      commonLabels: common(alerts.map(({ labels }) => labels)),
      commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
      externalUrl: externalUrl(),
      groupKey: group.key,
      truncatedAlerts: 0,
    };
    metrics.notifications.labels(type).inc();
    let wait = BACKOFF.initialMs;
    for (let attempt = 1; ; attempt++) {
      const started = performance.now();
      try {
        metrics.requests.labels(type).inc();
        await channel.integration.send(data, now, signal);
        metrics.latency.labels(type).observe((performance.now() - started) / 1000);
        channel.sent++;
        channel.lastError = "";
        channel.lastSentAt = this.#parts.now();
        return true;
      } catch (error) {
        const failure = error as NotifyError;
        metrics.requestsFailed.labels(type).inc();
        channel.lastError = failure.message;
        if (attempt === 1)
          log.warn("Notify attempt failed", { receiver: channel.name, group: group.key, err: failure.message });
        if (!failure.retry || signal.aborted) {
          channel.failed++;
          metrics.notificationsFailed.labels(type, failure.reason ?? "other").inc();
          log.error("Notify for alerts failed", {
            receiver: channel.name,
            group: group.key,
            alerts: alerts.length,
            attempts: attempt,
            err: failure.message,
          });
          return false;
        }
      }
      // Half to one and a half of the wait, so that groups do not knock in step.
      await sleep(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
      wait = Math.min(BACKOFF.maxMs, wait * BACKOFF.factor);
    }
  }
}
