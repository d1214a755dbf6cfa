import { expect, test } from "vitest";
import { KindRegistry } from "./kinds.ts";
import { applyJsonPatch, mergePatch, strategicMerge } from "./merge.ts";
import type { StatusError } from "./status-error.ts";

/** Examples of RFC 7386, appendix A: target, patch, result. */
const RFC_7386: [unknown, unknown, unknown][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test.each(RFC_7386)("merge %j with %j", (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});

test("JSON patch: a failed test and a missing path are invalid, no list is a bad request", () => {
  expect(applyJsonPatch({ a: 1 }, [{ op: "replace", path: "/a", value: 2 }])).toEqual({ a: 2 });
  const code = (patch: unknown) => {
    try {
      applyJsonPatch({ a: 1 }, patch);
    } catch (error) {
      return (error as StatusError).code;
    }
    return undefined;
  };
  expect(code([{ op: "test", path: "/a", value: 2 }])).toBe(422);
  expect(code([{ op: "remove", path: "/b" }])).toBe(422);
  expect(code({})).toBe(400);
});

const { schema } = new KindRegistry().byPath("apps", "v1", "deployments")!;
const containers = (...list: object[]) => ({ spec: { template: { spec: { containers: list } } } });

test("strategic merge: by name, with directives as kubectl sends them", () => {
  const live = containers({ name: "a", image: "1", env: [{ name: "X", value: "1" }] }, { name: "b", image: "1" });
  expect(strategicMerge(live, containers({ name: "b", image: "2" }), schema)).toEqual(
    containers({ name: "a", image: "1", env: [{ name: "X", value: "1" }] }, { name: "b", image: "2" }),
  );
  expect(strategicMerge(live, containers({ name: "a", $patch: "delete" }), schema)).toEqual(
    containers({ name: "b", image: "1" }),
  );
  expect(strategicMerge(live, containers({ $patch: "replace" }, { name: "c" }), schema)).toEqual(
    containers({ name: "c" }),
  );
  expect(strategicMerge(live, containers({ name: "a", env: [{ name: "X", value: "2" }] }), schema)).toEqual(
    containers({ name: "a", image: "1", env: [{ name: "X", value: "2" }] }, { name: "b", image: "1" }),
  );
  const order = {
    "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
    containers: [{ name: "a", image: "3" }],
  };
  expect(strategicMerge(live, { spec: { template: { spec: order } } }, schema)).toEqual(
    containers({ name: "b", image: "1" }, { name: "a", image: "3", env: [{ name: "X", value: "1" }] }),
  );
  const retain = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
  expect(strategicMerge({ spec: { strategy: { type: "RollingUpdate", rollingUpdate: {} } } }, retain, schema)).toEqual({
    spec: { strategy: { type: "Recreate" } },
  });
  const finalizers = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } };
  expect(strategicMerge({ metadata: { finalizers: ["a", "b"] } }, finalizers, schema)).toEqual({
    metadata: { finalizers: ["b"] },
  });
});
