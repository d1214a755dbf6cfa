/** From a flushed group to its receiver: what is muted goes out, what was said already is not said again, the rest is sent. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { alertHash } from "./alert-hash.ts";
import { fingerprint, isResolved, type StoredAlert } from "./alerts.ts";
import type { AlertmanagerConfig } from "./config/config.ts";
import { intervalContains } from "./config/time-intervals.ts";
import { notificationReason } from "./dedup.ts";
import type { Group } from "./dispatch.ts";
import type { History, NotificationEvent } from "./history.ts";
import type { Inhibitor } from "./inhibit.ts";
import { type AlertmanagerMetrics, integrationLabels } from "./metrics.ts";
import type { LogEntry, NotificationLog, ReceiverId } from "./notification-log.ts";
import { type NotificationData, type NotificationReason, notificationData } from "./notify/data.ts";
import { type Delivery, type Notifier, NotifyError, type ReceiverData } from "./notify/integration.ts";
import type { Silences } from "./silences.ts";

const BACKOFF = { initialMs: 500, factor: 1.5, maxMs: 60_000 };

/** An integration of a receiver and what became of its notifications. */
export interface Channel {
  notifier: Notifier;
  id: ReceiverId;
  sendResolved: boolean;
  sent: number;
  failed: number;
  lastError: string;
  /** Unix ms; 0: never. */
  lastSentAt: number;
}

/** What replicas agree on before they speak. */
export interface Peers {
  /** Resolves when what the others know has been heard, or the signal aborts. */
  ready(signal: AbortSignal): Promise<void>;
  /** ms to wait for those before this one. */
  wait(): number;
}

export interface PipelineParts {
  config: AlertmanagerConfig;
  channels: ReadonlyMap<string, Channel[]>;
  inhibitor: Inhibitor;
  silences: Silences;
  notifications: NotificationLog;
  metrics: AlertmanagerMetrics;
  history: History;
  externalUrl: () => string;
  log: Logger;
  now: () => number;
  peers?: Peers;
}

interface Notification {
  group: Group;
  alerts: readonly StoredAlert[];
  routeLabels: Readonly<Record<string, string>>;
  /** Unix ms of the flush. */
  now: number;
  signal: AbortSignal;
}

const fingerprintsOf = (alerts: readonly StoredAlert[]): string[] => alerts.map(({ labels }) => fingerprint(labels));

export class Pipeline {
  readonly #parts: PipelineParts;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** True when each integration has been told what it should know. */
  async run(group: Group, flushed: readonly StoredAlert[], now: number, signal: AbortSignal): Promise<boolean> {
    const { channels, peers, config } = this.#parts;
    await peers?.ready(signal);
    const alerts = this.#audible(group, flushed, now);
    const receiver = config.receivers.get(group.route.receiver);
    const list = channels.get(group.route.receiver) ?? [];
    const routeLabels = this.#routeLabels(group, flushed);
    const notification = { group, alerts, routeLabels, now, signal };
    if (alerts.length === 0) {
      if (!receiver?.alwaysResolve) return true;
      // Nothing is said of new alerts, but who was told that something fires is told when it is over.
      const results = await Promise.all(list.map((channel) => this.#resolve(channel, notification, flushed)));
      return results.every(Boolean);
    }
    const results = await Promise.all(list.map((channel) => this.#notify(channel, notification)));
    return results.every(Boolean);
  }

  /** The alerts that nothing suppresses; what does is told to the metrics, and to the history when it has changed. */
  #audible(group: Group, flushed: readonly StoredAlert[], now: number): readonly StoredAlert[] {
    const { inhibitor, silences, metrics, history } = this.#parts;
    const inhibited: Record<string, string[]> = {};
    const silenced: Record<string, string[]> = {};
    const afterInhibition = flushed.filter(({ labels }) => {
      const inhibition = inhibitor.inhibition(labels, now);
      if (inhibition) inhibited[fingerprint(labels)] = [inhibition.by];
      return !inhibition;
    });
    metrics.suppressed.labels("inhibition").inc(flushed.length - afterInhibition.length);
    let audible = afterInhibition;
    const interval = afterInhibition.length > 0 ? this.#mutingIntervals(group, now) : undefined;
    group.mutedBy = interval?.names ?? [];
    if (interval) {
      metrics.suppressed.labels(interval.reason.replaceAll(" ", "_")).inc(afterInhibition.length);
      audible = [];
    } else {
      audible = afterInhibition.filter(({ labels }) => {
        const ids = silences.matching(labels, now);
        if (ids.length > 0) silenced[fingerprint(labels)] = ids;
        return ids.length === 0;
      });
      metrics.suppressed.labels("silence").inc(afterInhibition.length - audible.length);
    }
    const state = JSON.stringify([inhibited, silenced, interval]);
    if (state !== group.suppressed) {
      group.suppressed = state;
      const tell = (reason: string, by: Record<string, string[]>, alerts: readonly StoredAlert[]): void => {
        if (alerts.length > 0) history.record(this.#event(group, alerts, { outcome: "suppressed", reason, by }));
      };
      const having = (by: Record<string, string[]>) => flushed.filter(({ labels }) => fingerprint(labels) in by);
      tell("inhibition", inhibited, having(inhibited));
      if (interval) tell(interval.reason, { "": interval.names }, afterInhibition);
      tell("silence", silenced, having(silenced));
    }
    return audible;
  }

  #event(
    group: Group,
    alerts: readonly StoredAlert[],
    event: Pick<NotificationEvent, "outcome" | "reason"> & Partial<NotificationEvent>,
  ): NotificationEvent {
    return {
      kind: "notification",
      time: this.#parts.now(),
      receiver: group.route.receiver,
      integration: "",
      groupKey: group.key,
      groupLabels: group.labels.toObject(),
      firing: fingerprintsOf(alerts.filter(({ endsAt }) => endsAt === 0)),
      resolved: fingerprintsOf(alerts.filter(({ endsAt }) => endsAt !== 0)),
      ...event,
    };
  }

  #mutingIntervals({ route }: Group, now: number): { reason: string; names: string[] } | undefined {
    const { timeIntervals } = this.#parts.config;
    const inside = (name: string): boolean => intervalContains(timeIntervals.get(name)!, now);
    const { activeTimeIntervals: active, muteTimeIntervals } = route;
    if (active.length > 0 && !active.some(inside)) return { reason: "active time interval", names: active };
    const names = muteTimeIntervals.filter(inside);
    return names.length > 0 ? { reason: "mute time interval", names } : undefined;
  }

  #routeLabels(group: Group, alerts: readonly StoredAlert[]): Record<string, string> {
    const { config, log } = this.#parts;
    const { labels } = group.route;
    if (Object.keys(labels).length === 0) return {};
    return config.templates.routeLabels(labels, this.#data(group, alerts, labels, "unknown"), (label, error) =>
      log.error("failed to render route label", { aggrGroup: group.key, label, err: describeError(error) }),
    );
  }

  #data(
    group: Group,
    alerts: readonly StoredAlert[],
    routeLabels: Readonly<Record<string, string>>,
    reason: NotificationReason,
  ): NotificationData {
    return notificationData({
      receiver: group.route.receiver,
      alerts,
      groupLabels: group.labels,
      routeLabels,
      externalUrl: this.#parts.externalUrl(),
      groupKey: group.key,
      reason,
    });
  }

  /** Tells of the end of what was told to fire, although it is suppressed now. */
  async #resolve(channel: Channel, notification: Notification, flushed: readonly StoredAlert[]): Promise<boolean> {
    const known = this.#parts.notifications.get(notification.group.key, channel.id);
    if (!known || known.firing.length === 0) return true;
    const wasFiring = new Set(known.firing);
    const over = flushed.filter(({ labels, endsAt }) => endsAt !== 0 && wasFiring.has(alertHash(labels)));
    const stillFires = flushed.some(({ labels, endsAt }) => endsAt === 0 && wasFiring.has(alertHash(labels)));
    if (over.length === 0 || stillFires) return true;
    return this.#notify(channel, { ...notification, alerts: over });
  }

  async #notify(channel: Channel, notification: Notification): Promise<boolean> {
    const { notifications, peers } = this.#parts;
    const { group, now, signal } = notification;
    const wait = peers?.wait() ?? 0;
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {});
    if (signal.aborted) return false;
    const { repeatInterval } = group.route;
    const { sendResolved, id } = channel;
    const known = notifications.get(group.key, id);
    // A replica spoke after this flush had begun: what was over by then must not be told to fire once more.
    const isNewer = known !== undefined && known.timestamp > now;
    const alerts = isNewer ? this.#current(notification) : notification.alerts;
    const firing = alerts.filter(({ endsAt }) => endsAt === 0);
    const state = {
      firing: firing.map(({ labels }) => alertHash(labels)),
      resolved: alerts.filter(({ endsAt }) => endsAt !== 0).map(({ labels }) => alertHash(labels)),
    };
    const reason = notificationReason(known, state, { sendResolved, repeatInterval, now });
    if (!reason) return true;
    const store = storeOf(known, reason);
    const told = sendResolved ? alerts : firing;
    if (told.length > 0 && !(await this.#send(channel, notification, told, reason, store))) return false;
    notifications.put({ groupKey: group.key, receiver: id, ...state, data: store }, 2 * repeatInterval);
    return true;
  }

  /** Alerts of a flush with those resolved that have ended since it began. */
  #current({ group, alerts }: Notification): readonly StoredAlert[] {
    const now = this.#parts.now();
    return alerts.map((alert) => {
      const stored = alert.endsAt === 0 ? group.alerts.get(fingerprint(alert.labels)) : undefined;
      return stored && isResolved(stored, now) ? stored : alert;
    });
  }

  /** Sends, again and again while that may help and there is time. */
  async #send(
    channel: Channel,
    { group, routeLabels, signal }: Notification,
    alerts: readonly StoredAlert[],
    reason: NotificationReason,
    store: ReceiverData,
  ): Promise<boolean> {
    const { metrics, log, history, config, now } = this.#parts;
    const { templates } = config;
    const { integration, index } = channel.id;
    const name = `${integration}[${index}]`;
    const labels = integrationLabels(metrics, integration, channel.id.name);
    const own = log.with({ receiver: channel.id.name, integration: name, aggrGroup: group.key });
    const data = this.#data(group, alerts, routeLabels, reason);
    const delivery: Delivery = {
      data,
      text: (template) => templates.text(template, data),
      html: (template) => templates.html(template, data),
      store,
      signal,
      log: own,
    };
    metrics.notifications.labels(...labels).inc();
    const begun = performance.now();
    const record = (outcome: "sent" | "failed", attempts: number, response: string): void =>
      history.record(
        this.#event(group, alerts, {
          outcome,
          reason,
          integration: name,
          attempts,
          durationMs: Math.round(performance.now() - begun),
          response,
        }),
      );
    let wait = BACKOFF.initialMs;
    let lastMessage = "";
    for (let attempt = 1; ; attempt++) {
      const started = performance.now();
      metrics.requests.labels(...labels).inc();
      try {
        const response = await channel.notifier.send(delivery);
        metrics.latency.labels(...labels).observe((performance.now() - started) / 1000);
        Object.assign(channel, { sent: channel.sent + 1, lastError: "", lastSentAt: now() });
        record("sent", attempt, response);
        own.debug("Notify success", { attempts: attempt, alerts: alerts.length });
        return true;
      } catch (error) {
        metrics.latency.labels(...labels).observe((performance.now() - started) / 1000);
        metrics.requestsFailed.labels(...labels).inc();
        const failure = error instanceof NotifyError ? error : new NotifyError(describeError(error), { cause: error });
        const isOver = !failure.retry || signal.aborted;
        channel.lastError = failure.message;
        if (!isOver && failure.message !== lastMessage)
          own.warn("Notify attempt failed, will retry later", { attempts: attempt, err: failure.message });
        lastMessage = failure.message;
        // Half to one and a half of the wait, so that groups do not knock in step.
        if (!isOver) await sleep(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
        if (!isOver && !signal.aborted) {
          wait = Math.min(BACKOFF.maxMs, wait * BACKOFF.factor);
          continue;
        }
        channel.failed++;
        metrics.notificationsFailed.labels(...labels, failure.reason).inc();
        record("failed", attempt, failure.message);
        own.error("Notify for alerts failed", { alerts: alerts.length, attempts: attempt, err: failure.message });
        return false;
      }
    }
  }
}

/** What an integration remembers belongs to one incident: the next one begins anew. */
function storeOf(known: LogEntry | undefined, reason: NotificationReason): ReceiverData {
  return reason === "first notification" ? new Map() : new Map(known?.data ?? []);
}
