import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../types.ts";
import { newText, removeFrom, writeInto } from "./yaml-files.ts";

const object = (name: string, spec: unknown): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name },
  spec,
});

const FILE = `# what this is for

apiVersion: v1   # never changes
kind: Thing
metadata: {name: first,   labels: {a: b}}
spec:
    rules:
    # why the first
    - expr: "up == 0"  # down
      for: 5m

    # why the second
    - expr: 'x > 1'
---
# the other
{apiVersion: v1, kind: Thing, metadata: {name: second}, spec: {a:   1}}
`;
const first = () => ({
  ...object("first", { rules: [{ expr: "up == 0", for: "5m" }, { expr: "x > 1" }] }),
  metadata: { name: "first", labels: { a: "b" } },
});

test("a changed scalar changes nothing else in the file", () => {
  const next = first();
  next.spec = { rules: [{ expr: 'up{job="a"} == 0', for: "10m" }, { expr: "x > 1" }] };
  expect(writeInto(FILE, next, first())).toBe(
    FILE.replace('"up == 0"', JSON.stringify('up{job="a"} == 0')).replace("5m", "10m"),
  );
});

test("an item that comes keeps the comments of the others; the other document keeps every byte", () => {
  const next = first();
  next.spec = { rules: [{ expr: "up == 0", for: "5m" }, { expr: "new" }, { expr: "x > 1" }] };
  const text = writeInto(FILE, next, first());
  for (const kept of ["# what this is for", "# never changes", "# why the first", "# down", "# why the second"])
    expect(text).toContain(kept);
  expect(text).toContain("    - expr: new\n");
  expect(text.slice(text.indexOf("---"))).toBe(FILE.slice(FILE.indexOf("---")));
  expect(parseAllDocuments(text)[0].toJS()).toEqual(next);
});

test("defaults that are the same before and after do not get into the file", () => {
  const text = "apiVersion: v1\nkind: Thing\nmetadata: {name: x}\nspec: {list: [{a: 1}]}\n";
  const spec = (more: object) => ({ list: [{ a: 1, filled: true }], type: "default", ...more });
  expect(writeInto(text, object("x", spec({ new: 2 })), object("x", spec({})))).toBe(
    text.replace("}]}", "}], new: 2}"),
  );
  const next = { list: [{ a: 2, filled: true, b: 3 }], type: "default" };
  expect(writeInto(text, object("x", next), object("x", spec({})))).toBe(text.replace("{a: 1}", "{a: 2, b: 3}"));
});

test("a document that goes leaves the other as it is", () => {
  expect(removeFrom(FILE, first())).toBe(FILE.slice(FILE.indexOf("# the other")));
  expect(removeFrom(FILE, object("second", {}))).toBe(FILE.slice(0, FILE.indexOf("---")));
  expect(removeFrom(newText(first()), first())).toBe("");
});

test("property: what is written is what is read, whatever changed", () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom("yes", "1", "# no", "a: b", "- x", "", "null", "line\nline\n"),
    fc.integer(),
    fc.boolean(),
  );
  const tree = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      scalar,
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c d", "0"), tie("node"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;
  const two = newText(object("other", { keep: "me" }));
  fc.assert(
    fc.property(tree, tree, fc.boolean(), (before, after, flow) => {
      const old = object("x", { v: before });
      const text = flow ? `${JSON.stringify(old)}\n---\n${two}` : `${newText(old)}---\n${two}`;
      const written = writeInto(text, object("x", { v: after }), old);
      const [changed, other] = parseAllDocuments(written).map((document) => document.toJS());
      expect(changed).toEqual(object("x", { v: after }));
      expect(other).toEqual(object("other", { keep: "me" }));
      expect(written.endsWith(two)).toBe(true);
    }),
    { seed: 1, numRuns: 600 },
  );
});
