/** Webhook, payload version 4. */
import { readFileSync } from "node:fs";
import { fingerprint } from "../alerts.ts";
import type { WebhookConfig } from "../config/receivers.ts";
import { type NotificationData, statusOf } from "./data.ts";
import type { OutgoingRequest } from "./integration.ts";

const NEVER = "0001-01-01T00:00:00Z";

export function webhookRequest(config: WebhookConfig, data: NotificationData, now: number): OutgoingRequest {
  const { maxAlerts } = config;
  const alerts = maxAlerts > 0 ? data.alerts.slice(0, maxAlerts) : data.alerts;
  return {
    url: config.url?.reveal() ?? readFileSync(config.urlFile, "utf8").trim(),
    timeout: config.timeout,
    body: {
      receiver: data.receiver,
      status: data.status,
      alerts: alerts.map((alert) => ({
        status: statusOf(alert, now),
        labels: alert.labels,
        annotations: alert.annotations,
        startsAt: new Date(alert.startsAt).toISOString(),
        endsAt: statusOf(alert, now) === "resolved" ? new Date(alert.endsAt).toISOString() : NEVER,
        generatorURL: alert.generatorURL,
        fingerprint: fingerprint(alert.labels),
      })),
      groupLabels: data.groupLabels,
      commonLabels: data.commonLabels,
      commonAnnotations: data.commonAnnotations,
      externalURL: data.externalUrl,
      version: "4",
      groupKey: data.groupKey,
      truncatedAlerts: data.alerts.length - alerts.length,
    },
  };
}
