import { describe, expect, test } from "vitest";
import { type SelectorPair, select } from "./selection.ts";
import { serviceMonitor } from "./testing/objects.ts";

const namespaces: Record<string, Record<string, string>> = { default: { team: "a" }, other: { team: "b" } };

function selects(pair: Partial<SelectorPair>, object = serviceMonitor({}, { labels: { app: "x" } })) {
  return select(
    object,
    "default",
    { field: "spec.s", namespaceField: "spec.n", selector: undefined, namespaceSelector: undefined, ...pair },
    (namespace) => namespaces[namespace],
  );
}

describe("selection", () => {
  test("no selector selects nothing, an empty one everything of the own namespace", () => {
    expect(selects({})).toMatchObject({ selected: false, reason: expect.stringContaining("spec.s is not set") });
    expect(selects({ selector: null }).selected).toBe(false);
    expect(selects({ selector: {} }).selected).toBe(true);
    expect(selects({ selector: {} }, serviceMonitor({}, { namespace: "other" }))).toMatchObject({
      selected: false,
      reason: expect.stringContaining("spec.n is not set, which selects only namespace default"),
    });
  });

  test("namespaces are matched by their labels", () => {
    const object = serviceMonitor({}, { namespace: "other" });
    expect(selects({ selector: {}, namespaceSelector: {} }, object).selected).toBe(true);
    expect(selects({ selector: {}, namespaceSelector: { matchLabels: { team: "b" } } }, object).selected).toBe(true);
    expect(selects({ selector: {}, namespaceSelector: { matchLabels: { team: "a" } } }, object).reason).toContain(
      "the labels of namespace other do not match spec.n (team=a)",
    );
    expect(selects({ selector: {}, namespaceSelector: {} }, serviceMonitor({}, { namespace: "gone" })).reason).toBe(
      "namespace gone does not exist",
    );
  });

  test.each([
    [{ matchLabels: { app: "x" } }, true],
    [{ matchLabels: { app: "y" } }, false],
    [{ matchExpressions: [{ key: "app", operator: "In" as const, values: ["x", "y"] }] }, true],
    [{ matchExpressions: [{ key: "app", operator: "NotIn" as const, values: ["x"] }] }, false],
    [{ matchExpressions: [{ key: "none", operator: "NotIn" as const, values: ["x"] }] }, true],
    [{ matchExpressions: [{ key: "app", operator: "Exists" as const }] }, true],
    [{ matchExpressions: [{ key: "app", operator: "DoesNotExist" as const }] }, false],
  ])("%j: %s", (selector, expected) => {
    const result = selects({ selector });
    expect(result.selected).toBe(expected);
    expect(result.reason === "").toBe(expected);
  });
});
