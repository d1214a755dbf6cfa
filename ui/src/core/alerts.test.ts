import { expect, test } from "vitest";
import { joinAlerts, type ManagedAlert } from "./alerts.ts";

const managed = (labels: Record<string, string>): ManagedAlert => ({
  fingerprint: JSON.stringify(labels),
  labels,
  annotations: {},
  startsAt: "2026-11-24T10:00:00Z",
  status: { state: "active", silencedBy: [], inhibitedBy: [] },
  receivers: [],
});

test("external labels do not hinder, the nearest set wins, the rest came from elsewhere", () => {
  const exact = managed({ alertname: "Down", instance: "a", prometheus: "main" });
  const larger = managed({ alertname: "Down", instance: "a", prometheus: "main", extra: "x" });
  const foreign = managed({ alertname: "Manual" });
  const alerts = [{ labels: { alertname: "Down", instance: "a" } }, { labels: { alertname: "Down", instance: "b" } }];
  const { joined, others } = joinAlerts(alerts, [larger, foreign, exact]);
  expect(joined.map(({ managed: found }) => found)).toEqual([exact, undefined]);
  expect(others).toEqual([larger, foreign]);
});
