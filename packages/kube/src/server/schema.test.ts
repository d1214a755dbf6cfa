import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDefaults, prune, type Schema, unknownFields, validate } from "./schema.ts";
import { checkRules } from "./schema-rules.ts";

const texts = (schema: Schema, value: unknown) =>
  validate(schema, value).map(({ field, message }) => `${field}: ${message}`);
const field = (schema: Schema): Schema => ({ type: "object", properties: { f: schema } });

/** Schema of `f`, a value, and what the API server says about it; nothing when it is fine. */
const CASES: [Schema, unknown, string?][] = [
  [{ type: "integer" }, 1],
  [{ type: "integer" }, 1.5, 'f: Invalid value: "number": f in body must be of type integer: "number"'],
  [{ type: "number" }, 1],
  [{ type: "string" }, [], 'f: Invalid value: "array": f in body must be of type string: "array"'],
  [{ type: "string", enum: ["a", "b"] }, "c", 'f: Unsupported value: "c": supported values: "a", "b"'],
  [{ type: "string", pattern: "^a+$" }, "b", "f: Invalid value: \"b\": f in body should match '^a+$'"],
  [{ type: "string", minLength: 1 }, "", 'f: Invalid value: "": f in body should be at least 1 chars long'],
  [{ type: "integer", minimum: 1 }, 0, "f: Invalid value: 0: f in body should be greater than or equal to 1"],
  [
    { type: "integer", minimum: 1, exclusiveMinimum: true },
    1,
    "f: Invalid value: 1: f in body should be greater than 1",
  ],
  [{ type: "integer", multipleOf: 5 }, 7, "f: Invalid value: 7: f in body should be a multiple of 5"],
  [{ type: "array", minItems: 1 }, [], "f: Invalid value: []: f in body should have at least 1 items"],
  [{ type: "array", maxItems: 1 }, [1, 2], "f: Too many: 2: must have at most 1 items"],
  [{ type: "array", "x-kubernetes-list-type": "set" }, ["a", "a"], 'f[1]: Duplicate value: "a"'],
  [{ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] }, "80%"],
  [
    { "x-kubernetes-int-or-string": true },
    1.5,
    'f: Invalid value: "number": f in body must be of type integer,string: "number"',
  ],
  [{ type: "object", required: ["x"] }, {}, "f.x: Required value"],
  [
    { type: "object", maxProperties: 1, additionalProperties: true },
    { a: 1, b: 2 },
    "f: Too many: 2: must have at most 1 items",
  ],
  [
    {
      oneOf: [
        { required: ["a"], type: "object" },
        { required: ["b"], type: "object" },
      ],
    },
    { a: 1 },
  ],
  [
    { not: { required: ["a"], type: "object" } },
    { a: 1 },
    'f: Invalid value: {"a":1}: f in body must not validate the schema (not)',
  ],
  [{ type: "string", nullable: true }, null],
];

test.each(CASES)("%j of %j", (schema, value, problem) => {
  expect(texts(field(schema), { f: value })).toEqual(problem === undefined ? [] : [problem]);
});

test("pruning, unknown fields and defaults agree on what is known", () => {
  const schema: Schema = {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          list: { type: "array", items: { type: "object", properties: { a: { type: "string", default: "x" } } } },
          free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          map: { type: "object", additionalProperties: { type: "string" } },
        },
      },
    },
  };
  const value = {
    apiVersion: "v1",
    kind: "K",
    spec: { list: [{ b: 1 }], free: { c: 1 }, map: { d: "e" }, more: 1 },
    extra: {},
  };
  expect(unknownFields(schema, value)).toEqual(["spec.list[0].b", "spec.more", "extra"]);
  prune(schema, value);
  applyDefaults(schema, value);
  expect(value).toEqual({ apiVersion: "v1", kind: "K", spec: { list: [{ a: "x" }], free: { c: 1 }, map: { d: "e" } } });
});

test("property: a pruned value has no unknown fields", () => {
  const schema: Schema = field({
    type: "array",
    items: { type: "object", properties: { a: { type: "object", properties: { b: {} } } } },
  });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("f", "g"), fc.jsonValue({ maxDepth: 4 })), (input) => {
      const value = JSON.parse(JSON.stringify(input)) as object;
      prune(schema, value);
      expect(unknownFields(schema, value)).toEqual([]);
      validate(schema, value);
    }),
    { seed: 1, numRuns: 300 },
  );
});

const rules = (schema: Schema, value: unknown, old?: unknown) =>
  checkRules(field(schema), { f: value }, old === undefined ? undefined : { f: old }).map(
    (cause) => `${cause.field}: ${cause.message}`,
  );

test("rules in CEL: integers, messages, transitions", () => {
  const small: Schema = {
    type: "object",
    properties: { n: { type: "integer" } },
    "x-kubernetes-validations": [{ rule: "self.n <= 3", messageExpression: "'at most 3, not ' + string(self.n)" }],
  };
  expect(rules(small, { n: 3 })).toEqual([]);
  expect(rules(small, { n: 4 })).toEqual(['f: Invalid value: "object": at most 3, not 4']);
  const fixed: Schema = {
    type: "string",
    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
  };
  expect(rules(fixed, "a")).toEqual([]);
  expect(rules(fixed, "a", "a")).toEqual([]);
  expect(rules(fixed, "b", "a")).toEqual(['f: Invalid value: "string": is immutable']);
});

test("a rule that is no CEL is an answer, not a crash", () => {
  const wrong: Schema = { type: "string", "x-kubernetes-validations": [{ rule: "self ==" }] };
  expect(rules(wrong, "a")[0]).toContain("cannot be evaluated");
});
