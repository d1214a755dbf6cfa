import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Labels, LabelsBuilder } from "./labels.ts";

describe("Labels", () => {
  test("sorts by name, drops empty values, lets the last of a name win", () => {
    const labels = Labels.fromEntries([
      ["b", "2"],
      ["a", "0"],
      ["c", ""],
      ["a", "1"],
    ]);
    expect(labels.pairs).toEqual(["a", "1", "b", "2"]);
    expect(labels.get("c")).toBe("");
    expect(labels.has("c")).toBe(false);
  });

  test("orders names by code point, not by UTF-16 unit", () => {
    const labels = Labels.from({ "\u{1f600}": "x", "\uffee": "y" });
    expect(labels.pairs).toEqual(["\uffee", "y", "\u{1f600}", "x"]);
  });

  test("with() replaces, inserts in order and removes", () => {
    const labels = Labels.from({ a: "1", c: "3" });
    expect(labels.with("b", "2").pairs).toEqual(["a", "1", "b", "2", "c", "3"]);
    expect(labels.with("c", "4").pairs).toEqual(["a", "1", "c", "4"]);
    expect(labels.with("a", "").pairs).toEqual(["c", "3"]);
    expect(labels.with("z", "")).toBe(labels);
  });

  test("compare() sorts series as Prometheus does: shorter set first on a tie", () => {
    const a = Labels.from({ __name__: "up", job: "a" });
    const b = Labels.from({ __name__: "up", job: "a", zone: "1" });
    const c = Labels.from({ __name__: "up", job: "b" });
    expect([c, b, a].sort((x, y) => x.compare(y))).toEqual([a, b, c]);
  });

  test("a label may be called __proto__", () => {
    const labels = Labels.fromEntries([["__proto__", "x"]]);
    expect(JSON.stringify(labels)).toBe('{"__proto__":"x"}');
  });

  test("prints like upstream", () => {
    expect(Labels.from({ __name__: "up", "a.b": 'say "hi"\n' }).toString()).toBe(
      '{__name__="up", "a.b"="say \\"hi\\"\\n"}',
    );
  });

  test("property: equal keys exactly for equal sets, and the builder gives the same set", () => {
    const set = fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(set, set, (x, y) => {
        const a = Labels.from(x);
        const b = Labels.from(y);
        expect(a.key() === b.key()).toBe(a.equals(b));
        expect(a.compare(b) === 0).toBe(a.equals(b));
        expect(new LabelsBuilder(a).build().equals(a)).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
