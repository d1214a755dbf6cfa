import { expect, test } from "vitest";
import { labelQuery, parseLabels, routingUrl } from "./routing-labels.ts";

test("labels are read as people write them, and come back from a link", () => {
  expect(parseLabels('alertname="Disk full", severity=critical')).toEqual({
    alertname: "Disk full",
    severity: "critical",
  });
  expect(parseLabels(" ")).toEqual({});
  expect(() => parseLabels('a=~"b.*"')).toThrow('write a="…"');
  expect(() => parseLabels("nonsense")).toThrow("not a matcher");
  const labels = { alertname: 'a"b', "with space": "c, d" };
  expect(parseLabels(new URL(routingUrl(labels), "http://x").searchParams.get("labels")!)).toEqual(labels);
});

test("the query quotes names and values", () => {
  expect([...new URLSearchParams(labelQuery({ a: "b=c", "é x": '"' }))]).toEqual([
    ["label", '"a"="b=c"'],
    ["label", '"é x"="\\""'],
  ]);
});
