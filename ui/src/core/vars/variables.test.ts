import { expect, test } from "vitest";
import {
  ALL,
  applyRegex,
  chosen,
  inOrder,
  loadVariables,
  parseVariableQuery,
  sortOptions,
  staticOptions,
  valueFor,
} from "./variables.ts";

const load = (...list: Record<string, never>[] | object[]) =>
  loadVariables(JSON.parse(JSON.stringify({ templating: { list } })));

test("queries of variables", () => {
  expect(parseVariableQuery('label_values(up{job="a,b"}, instance)')).toEqual({
    kind: "label_values",
    label: "instance",
    selector: 'up{job="a,b"}',
  });
  expect(parseVariableQuery("label_values(cluster)")).toEqual({ kind: "label_values", label: "cluster", selector: "" });
  expect(parseVariableQuery("query_result(sum(up))")).toEqual({ kind: "query_result", expr: "sum(up)" });
});

test("a variable is asked after those it uses", () => {
  const variables = load(
    { name: "pod", type: "query", query: 'label_values(up{ns="$ns"}, pod)' },
    { name: "ns", type: "query", query: "label_values(ns)", datasource: { uid: "$" + "{ds}" } },
    { name: "ds", type: "datasource", query: "prometheus" },
  );
  expect(inOrder(variables).map((variable) => variable.name)).toEqual(["ds", "ns", "pod"]);
});

test("custom options take names and escaped commas", () => {
  const [variable] = load({ name: "c", type: "custom", query: "One : 1, a\\,b" });
  expect(staticOptions(variable!, [])).toEqual([
    { text: "One", value: "1" },
    { text: "a,b", value: "a,b" },
  ]);
});

test("a regexp keeps and cuts, sorting is by number where asked", () => {
  const options = ["node-10", "node-9", "pod-1"].map((text) => ({ text, value: text }));
  expect(applyRegex(options, "/node-(.*)/").map((option) => option.value)).toEqual(["10", "9"]);
  expect(sortOptions(options, 3).map((option) => option.text)).toEqual(
    ["node-10", "pod-1", "node-9"].sort((a, b) => Number(/-?\d+/.exec(a)) - Number(/-?\d+/.exec(b))),
  );
});

test("All is every option, or the dashboard's own value", () => {
  const [plain, own] = load(
    { name: "a", type: "query", query: "x", includeAll: true, current: { value: "$__all" } },
    { name: "b", type: "query", query: "x", includeAll: true, allValue: ".+", current: { value: ["$__all"] } },
  );
  const options = [
    { text: "1", value: "1" },
    { text: "2", value: "2" },
  ];
  expect(chosen(plain!, options, [])).toEqual([ALL]);
  expect(valueFor(plain!, options, [ALL], { from: 0, to: 1 }).values).toEqual(["1", "2"]);
  expect(valueFor(own!, options, [ALL], { from: 0, to: 1 })).toEqual({ values: [".+"], text: "All", raw: true });
  expect(chosen(plain!, options, ["2"])).toEqual(["2"]);
});
