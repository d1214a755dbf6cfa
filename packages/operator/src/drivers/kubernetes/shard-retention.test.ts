import type { KubeObject } from "@pharos/kube";
import { expect, test } from "vitest";
import type { PrometheusSpec } from "../../resources/prometheus.ts";
import { DEADLINE, fateOf } from "./shard-retention.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const HOUR = 3_600_000;
const set = (deadline?: string): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "s", ...(deadline === undefined ? {} : { annotations: { [DEADLINE]: deadline } }) },
});
const fate = (spec: object, deadline?: string, enabled = true) =>
  fateOf(set(deadline), spec as PrometheusSpec, enabled, NOW);
const retain = { shardRetentionPolicy: { whenScaled: "Retain" } };

test("without the policy, or with the gate closed, it goes at once", () => {
  expect(fate({})).toEqual({ delete: true });
  expect(fate({ shardRetentionPolicy: { whenScaled: "Delete" } })).toEqual({ delete: true });
  expect(fate(retain, undefined, false)).toEqual({ delete: true });
});

test.each([
  [retain, 24 * HOUR, "2026-01-02T00:00:00Z"],
  [{ ...retain, retention: "2h" }, 2 * HOUR, "2026-01-01T02:00:00Z"],
  [
    { retention: "2h", shardRetentionPolicy: { whenScaled: "Retain", retain: { retentionPeriod: "1h" } } },
    HOUR,
    "2026-01-01T01:00:00Z",
  ],
])("%j: it is marked with its deadline", (spec, after, annotate) => {
  expect(fate(spec)).toEqual({ delete: false, until: NOW + after, annotate });
});

test("limited by size alone, or for no time, it stays for good", () => {
  const forGood = { delete: false, until: undefined, annotate: "0001-01-01T00:00:00Z" };
  expect(fate({ ...retain, retentionSize: "1GB" })).toEqual(forGood);
  const none = { whenScaled: "Retain", retain: { retentionPeriod: "0s" } };
  expect(fate({ shardRetentionPolicy: none })).toEqual(forGood);
});

test("a marked one waits for its deadline, whatever the policy says by now", () => {
  expect(fate(retain, "2026-01-01T00:00:01Z")).toEqual({ delete: false, until: NOW + 1000 });
  expect(fate(retain, "2025-12-31T23:59:59Z")).toEqual({ delete: true });
  expect(fate(retain, "0001-01-01T00:00:00Z")).toEqual({ delete: false, until: undefined });
  expect(fate(retain, "some day")).toEqual({ delete: false, until: undefined });
});
