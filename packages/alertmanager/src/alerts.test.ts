import { Labels } from "@pharos/model";
import { expect, test } from "vitest";
import { AlertStore, fingerprint, mergeAlerts, type StoredAlert } from "./alerts.ts";

function alert(over: Partial<StoredAlert>): StoredAlert {
  return {
    labels: Labels.from({ alertname: "A" }),
    annotations: Labels.empty,
    startsAt: 1_000,
    endsAt: 10_000,
    updatedAt: 1_000,
    generatorURL: "",
    timeout: false,
    ...over,
  };
}

test("a resolved alert ends at once, even when it was announced to fire for longer", () => {
  const merged = mergeAlerts(alert({ endsAt: 300_000 }), alert({ endsAt: 5_000, updatedAt: 5_000 }));
  expect(merged.endsAt).toBe(5_000);
});

test("an explicit later end stays while the alert fires, one that was only a timeout does not", () => {
  const next = alert({ startsAt: 2_000, endsAt: 8_000, updatedAt: 2_000 });
  expect(mergeAlerts(alert({ endsAt: 20_000 }), next)).toMatchObject({ startsAt: 1_000, endsAt: 20_000 });
  expect(mergeAlerts(alert({ endsAt: 20_000, timeout: true }), next)).toMatchObject({ startsAt: 1_000, endsAt: 8_000 });
});

test("a new episode starts anew", () => {
  const next = alert({ startsAt: 60_000, endsAt: 90_000, updatedAt: 60_000 });
  const store = new AlertStore();
  store.put([alert({ endsAt: 5_000 }), next]);
  expect(store.all()).toEqual([next]);
});

test("fingerprints are those of upstream", () => {
  // As Prometheus' model.LabelSet.Fingerprint has it for the empty set: the FNV-1a offset.
  expect(fingerprint(Labels.empty)).toBe("cbf29ce484222325");
});
