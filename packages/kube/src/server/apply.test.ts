import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../types.ts";
import { serverSideApply, trackUpdate } from "./apply.ts";
import { FieldSet } from "./field-sets.ts";
import { KindRegistry } from "./kinds.ts";

const kinds = new KindRegistry();
const services = kinds.byPath("", "v1", "services")!;
const configMaps = kinds.byPath("", "v1", "configmaps")!;
const apply = (name: string) => ({ name, operation: "Apply" }) as const;
const configMap = (data: Record<string, string>): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data }) as KubeObject;
const dataOf = (object: KubeObject) => (object as KubeObject & { data?: object }).data;

test("a scalar in a keyed item may change hands without the rest of the item", () => {
  const service = (port: object): KubeObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "x" },
    spec: { ports: [port] },
  });
  let live = serverSideApply(
    undefined,
    service({ port: 80, name: "http", appProtocol: "h2c" }),
    services,
    apply("a"),
    false,
  );
  live = serverSideApply(live, service({ port: 80, name: "web" }), services, apply("b"), true);
  expect(live.spec).toEqual({ ports: [{ port: 80, name: "web", appProtocol: "h2c" }] });
  // Leaving the item out takes only what nobody else reaches into.
  live = serverSideApply(live, { ...service({}), spec: {} }, services, apply("a"), false);
  expect(live.spec).toEqual({ ports: [{ port: 80, name: "web" }] });
});

test("an update takes what it changes from those who applied it", () => {
  const applied = serverSideApply(undefined, configMap({ a: "1", b: "1" }), configMaps, apply("a"), false);
  const next = { ...structuredClone(applied), data: { a: "2", b: "1" } } as KubeObject;
  trackUpdate(applied, next, configMaps, { name: "editor", operation: "Update" });
  const owners = Object.fromEntries(next.metadata.managedFields!.map(({ manager, fieldsV1 }) => [manager, fieldsV1]));
  expect(owners).toEqual({ a: { "f:data": { "f:b": {} } }, editor: { "f:data": { "f:a": {} } } });
  expect(() => serverSideApply(next, configMap({ a: "3" }), configMaps, apply("a"), false)).toThrow(
    'conflict with "editor" using v1: .data.a',
  );
});

test("property: the last to apply by force gets what it asks for, and nothing nobody asks for stays", () => {
  const data = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2"));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("x", "y"), data), { minLength: 1, maxLength: 8 }), (steps) => {
      let live: KubeObject | undefined;
      const wanted = new Map<string, Record<string, string>>();
      for (const [manager, asked] of steps) {
        live = serverSideApply(live, configMap(asked), configMaps, apply(manager), true);
        wanted.set(manager, asked);
      }
      const [, last] = steps.at(-1)!;
      const result = (dataOf(live!) ?? {}) as Record<string, string>;
      expect(result).toMatchObject(last);
      for (const key of Object.keys(result)) expect([...wanted.values()].some((asked) => key in asked)).toBe(true);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("property: FieldsV1 survives a round trip", () => {
  const name = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', "v:1");
  const tree = fc.letrec<{ node: Record<string, object> }>((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, fc.constant({}), fc.dictionary(name, tie("node"), { maxKeys: 3 })),
  })).node;
  fc.assert(
    fc.property(tree, (json) => {
      expect(FieldSet.fromJson(json).toJson()).toEqual(json);
    }),
    { seed: 1, numRuns: 200 },
  );
});
