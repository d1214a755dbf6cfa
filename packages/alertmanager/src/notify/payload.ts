/** The notification as JSON, in the order and with the names of upstream's template data: webhook's and incident.io's payload. */
import { fingerprint } from "../alerts.ts";
import { common, type NotificationData, quoteMeta } from "./data.ts";
import { goTime, sortedMap } from "./json.ts";

/** The first `max` alerts (0: all); what is common is then common to those alone. */
export function limitAlerts(data: NotificationData, max: number): NotificationData {
  if (max === 0 || data.alerts.length <= max) return data;
  const alerts = data.alerts.slice(0, max);
  return {
    ...data,
    alerts,
    status: alerts.some(({ endsAt }) => endsAt === 0) ? "firing" : "resolved",
    commonLabels: common(alerts.map(({ labels }) => labels)),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    truncatedAlerts: data.alerts.length - max,
  };
}

export function payloadOf(data: NotificationData) {
  return {
    receiver: quoteMeta(data.receiver),
    status: data.status,
    alerts: data.alerts.map((alert) => ({
      status: alert.endsAt === 0 ? "firing" : "resolved",
      labels: sortedMap(alert.labels),
      annotations: sortedMap(alert.annotations),
      startsAt: goTime(alert.startsAt),
      endsAt: goTime(alert.endsAt),
      generatorURL: alert.generatorURL,
      fingerprint: fingerprint(alert.labels),
    })),
    notification_reason: data.reason,
    groupLabels: sortedMap(data.groupLabels),
    commonLabels: sortedMap(data.commonLabels),
    commonAnnotations: sortedMap(data.commonAnnotations),
    routeLabels: sortedMap(Object.entries(data.routeLabels)),
    externalURL: data.externalUrl,
  };
}
