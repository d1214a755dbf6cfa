/** What Alertmanager's history tells, in words: one line an event, and what stands behind it. */
export interface AlertEvent {
  kind: "alert";
  time: number;
  state: "firing" | "resolved";
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: number;
  endsAt: number;
}

export interface NotificationEvent {
  kind: "notification";
  time: number;
  outcome: "sent" | "failed" | "suppressed";
  receiver: string;
  integration: string;
  groupKey: string;
  groupLabels: Record<string, string>;
  firing: string[];
  resolved: string[];
  reason: string;
  by?: Record<string, string[]>;
  attempts?: number;
  durationMs?: number;
  response?: string;
}

export interface SilenceEvent {
  kind: "silence";
  time: number;
  action: "created" | "updated" | "expired" | "skipped";
  id: string;
  createdBy: string;
  comment: string;
  startsAt: number;
  endsAt: number;
  matchers: string[];
  recurrence?: string;
}

export interface ConfigEvent {
  kind: "config";
  time: number;
  outcome: "loaded" | "refused";
  message: string;
}

export type HistoryEvent = AlertEvent | NotificationEvent | SilenceEvent | ConfigEvent;

export const KINDS = ["all", "alert", "notification", "silence", "config"] as const;

/** What can become of each kind; `all` has no outcomes, for they belong to a kind. */
export const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  alert: ["firing", "resolved"],
  notification: ["sent", "failed", "suppressed"],
  silence: ["created", "updated", "expired", "skipped"],
  config: ["loaded", "refused"],
};

export interface Told {
  /** As badges have it. */
  status: "ok" | "warning" | "error" | "idle";
  outcome: string;
  title: string;
  /** Why it came so. */
  reason: string;
}

const STATUS: Readonly<Record<string, Told["status"]>> = {
  firing: "error",
  resolved: "ok",
  sent: "ok",
  failed: "error",
  suppressed: "idle",
  created: "warning",
  updated: "warning",
  expired: "idle",
  skipped: "idle",
  loaded: "ok",
  refused: "error",
};

const REASONS: Readonly<Record<string, string>> = {
  "first notification": "the first notification of the group",
  "new alerts added": "alerts were added to the group",
  "some alerts resolved": "some of its alerts are over",
  "all alerts resolved": "all of its alerts are over",
  "repeat interval elapsed": "it still fires, and the repeat interval is over",
  silence: "silenced",
  inhibition: "inhibited by another alert",
  "mute time interval": "within a mute time interval",
  "active time interval": "outside its active time intervals",
};

export function labelText(labels: Readonly<Record<string, string>>, skip: readonly string[] = []): string {
  return Object.entries(labels)
    .filter(([name]) => !skip.includes(name))
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ");
}

function groupTitle(labels: Readonly<Record<string, string>>): string {
  const rest = labelText(labels, ["alertname"]);
  const { alertname } = labels;
  if (alertname === undefined) return rest === "" ? "all alerts of the route" : `{${rest}}`;
  return rest === "" ? alertname : `${alertname} {${rest}}`;
}

function counts({ firing, resolved }: NotificationEvent): string {
  return [firing.length > 0 ? `${firing.length} firing` : "", resolved.length > 0 ? `${resolved.length} resolved` : ""]
    .filter((text) => text !== "")
    .join(", ");
}

function attempts({ outcome, attempts: tries = 1 }: NotificationEvent): string {
  if (tries > 1) return `, after ${tries} attempts`;
  return outcome === "failed" ? ", at the first attempt" : "";
}

export function tell(event: HistoryEvent): Told {
  switch (event.kind) {
    case "alert": {
      const { state, labels, annotations } = event;
      const reason = state === "firing" ? "it began to fire" : "it is over";
      return {
        status: STATUS[state]!,
        outcome: state,
        title: labels.alertname ?? labelText(labels),
        reason: annotations.summary ?? reason,
      };
    }
    case "notification": {
      const { outcome, receiver, integration, groupLabels, reason } = event;
      const to = integration === "" ? receiver : `${receiver} · ${integration}`;
      const list = counts(event);
      return {
        status: STATUS[outcome]!,
        outcome,
        title: `${groupTitle(groupLabels)} → ${to}`,
        reason: `${REASONS[reason] ?? reason}${list === "" ? "" : ` (${list})`}${attempts(event)}`,
      };
    }
    case "silence": {
      const { action, matchers, createdBy, comment, recurrence } = event;
      return {
        status: STATUS[action]!,
        outcome: action,
        title: matchers.join(", "),
        reason: `${createdBy}: ${comment}${recurrence ? `, every ${recurrence}` : ""}`,
      };
    }
    case "config":
      return { status: STATUS[event.outcome]!, outcome: event.outcome, title: "Configuration", reason: event.message };
  }
}

/** Whether a search (lower case) finds it. */
export function contains(event: HistoryEvent, search: string): boolean {
  return search === "" || JSON.stringify(event).toLowerCase().includes(search);
}

/** Events by local day, in the order they came. */
export function byDay(events: readonly HistoryEvent[]): Map<string, HistoryEvent[]> {
  return Map.groupBy(events, ({ time }) =>
    new Date(time).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  );
}

/** Labels of alerts by fingerprint, as far as the events tell them. */
export function knownAlerts(events: readonly HistoryEvent[]): Map<string, Record<string, string>> {
  return new Map(
    events.flatMap((event) => (event.kind === "alert" ? [[event.fingerprint, event.labels] as const] : [])),
  );
}
