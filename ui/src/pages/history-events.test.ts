import { expect, test } from "vitest";
import { byDay, contains, type HistoryEvent, knownAlerts, type NotificationEvent, tell } from "./history-events.ts";

const notification = (changes: Partial<NotificationEvent>): NotificationEvent => ({
  kind: "notification",
  time: Date.parse("2026-11-24T10:00:00Z"),
  outcome: "sent",
  receiver: "pager",
  integration: "slack[0]",
  groupKey: '{}:{alertname="Down"}',
  groupLabels: { alertname: "Down" },
  firing: ["a", "b"],
  resolved: [],
  reason: "first notification",
  ...changes,
});

test("a notification says to whom, of what, and why", () => {
  expect(tell(notification({}))).toEqual({
    status: "ok",
    outcome: "sent",
    title: "Down → pager · slack[0]",
    reason: "the first notification of the group (2 firing)",
  });
  const failed = tell(
    notification({
      outcome: "failed",
      attempts: 3,
      resolved: ["c"],
      groupLabels: { team: "x" },
      reason: "new alerts added",
    }),
  );
  expect(failed).toMatchObject({
    status: "error",
    title: '{team="x"} → pager · slack[0]',
    reason: "alerts were added to the group (2 firing, 1 resolved), after 3 attempts",
  });
  const suppressed = notification({ outcome: "suppressed", integration: "", reason: "silence", groupLabels: {} });
  expect(tell(suppressed)).toMatchObject({ status: "idle", title: "all alerts of the route → pager" });
});

test("reasons of later versions are shown as they are", () => {
  expect(tell(notification({ reason: "full moon", firing: [] })).reason).toBe("full moon");
});

const alert: HistoryEvent = {
  kind: "alert",
  time: Date.parse("2026-11-23T10:00:00Z"),
  state: "firing",
  fingerprint: "a",
  labels: { alertname: "Down", instance: "Web:1" },
  annotations: {},
  startsAt: 0,
  endsAt: 0,
};

test("alerts, silences and configurations are told, too", () => {
  expect(tell(alert)).toEqual({ status: "error", outcome: "firing", title: "Down", reason: "it began to fire" });
  const silence: HistoryEvent = {
    kind: "silence", time: 0, action: "created", id: "1", createdBy: "me", comment: "backup", startsAt: 0, endsAt: 1,
    matchers: ['job="x"', 'a!="b"'], recurrence: "daily 22:00-06:00 UTC",
  }; // biome-ignore format: a table
  expect(tell(silence)).toMatchObject({
    title: 'job="x", a!="b"',
    reason: "me: backup, every daily 22:00-06:00 UTC",
  });
  expect(tell({ kind: "config", time: 0, outcome: "refused", message: "line 3" })).toMatchObject({ status: "error" });
});

test("events are searched, put under their days, and tell the labels of alerts", () => {
  expect(contains(alert, "web:1")).toBe(true);
  expect(contains(alert, "web:2")).toBe(false);
  expect([...byDay([notification({}), alert]).values()].map((list) => list.length)).toEqual([1, 1]);
  expect(knownAlerts([alert, notification({})]).get("a")).toEqual(alert.labels);
});
