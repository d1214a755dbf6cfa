/** What templates and payloads see of a notification: upstream's template.Data, with its methods. */
import { createHash } from "node:crypto";
import { alertmanagerData, Moment, type Value } from "@pharos/gotemplate";
import { Labels } from "@pharos/model";
import { fingerprint, type StoredAlert } from "../alerts.ts";

/** Why a notification was sent, in upstream's words. */
export type NotificationReason =
  | "first notification"
  | "new alerts added"
  | "some alerts resolved"
  | "all alerts resolved"
  | "repeat interval elapsed"
  | "unknown";

export interface NotificationData {
  receiver: string;
  status: "firing" | "resolved";
  /** `endsAt` is 0 for those that fire. */
  alerts: readonly StoredAlert[];
  groupLabels: Labels;
  commonLabels: Labels;
  commonAnnotations: Labels;
  /** Rendered ones. */
  routeLabels: Readonly<Record<string, string>>;
  externalUrl: string;
  groupKey: string;
  /** SHA-256 of the group key: receivers limit the length of their keys. */
  groupKeyHash: string;
  reason: NotificationReason;
  truncatedAlerts: number;
}

/** Labels or annotations all of them share. */
export function common(all: readonly Labels[]): Labels {
  if (all.length === 0) return Labels.empty;
  const [first, ...rest] = all;
  const shared: string[] = [];
  for (const [name, value] of first) {
    // An annotation with an empty value is not the same as none.
    if (rest.every((other) => (value === "" ? other.has(name) && other.get(name) === "" : other.get(name) === value)))
      shared.push(name, value);
  }
  return Labels.fromSortedPairs(shared);
}

export interface NotificationInput {
  receiver: string;
  alerts: readonly StoredAlert[];
  groupLabels: Labels;
  routeLabels: Readonly<Record<string, string>>;
  externalUrl: string;
  groupKey: string;
  reason: NotificationReason;
}

export function notificationData(input: NotificationInput): NotificationData {
  const { alerts, groupKey } = input;
  return {
    ...input,
    status: alerts.some(({ endsAt }) => endsAt === 0) ? "firing" : "resolved",
    commonLabels: common(alerts.map(({ labels }) => labels)),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    groupKeyHash: createHash("sha256").update(groupKey).digest("hex"),
    truncatedAlerts: 0,
  };
}

/** Go's regexp.QuoteMeta: a receiver's name stands in a link as a pattern. */
export function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

/** Go's zero time stands for "not yet". */
function moment(ms: number): Moment {
  return ms === 0 ? Moment.zero : Moment.fromMillis(ms);
}

/** The data as a Go value, for templates. */
export function templateData(data: NotificationData): Value {
  return alertmanagerData({
    receiver: quoteMeta(data.receiver),
    status: data.status,
    alerts: data.alerts.map((alert) => ({
      status: alert.endsAt === 0 ? "firing" : "resolved",
      labels: alert.labels.toObject(),
      annotations: alert.annotations.toObject(),
      startsAt: moment(alert.startsAt),
      endsAt: moment(alert.endsAt),
      generatorURL: alert.generatorURL,
      fingerprint: fingerprint(alert.labels),
    })),
    notificationReason: data.reason,
    groupLabels: data.groupLabels.toObject(),
    commonLabels: data.commonLabels.toObject(),
    commonAnnotations: data.commonAnnotations.toObject(),
    routeLabels: data.routeLabels,
    externalURL: data.externalUrl,
  });
}
