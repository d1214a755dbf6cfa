import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TemplateError } from "./error.ts";
import { Template } from "./template.ts";
import { fn, textFn } from "./value/function.ts";
import { INT } from "./value/type.ts";
import { int } from "./value/value.ts";

const run = (text: string, data?: unknown): string => new Template("t").parse(text).execute(data);

describe("execution", () => {
  test.each([
    ["a {{- 1 -}} b", "a1b"],
    ["{{range $i, $e := .list}}{{$i}}={{$e}} {{end}}", "0=x 1=y "],
    ["{{with .none}}a{{else}}b{{end}}", "b"],
    ["{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"],
    ['{{define "t2"}}<{{.}}>{{end}}{{template "t2" .map.k}}', "<v>"],
    ["{{.map.missing}}", "<no value>"],
    ["{{range .list}}{{if eq . `y`}}{{break}}{{end}}{{.}}{{end}}", "x"],
    ['{{printf "%05.1f|%-4d|%q" 3.14159 7 "é\\n"}}', '003.1|7   |"é\\n"'],
    ["{{1000000.0}} {{100000.0}} {{0.00001}}", "1e+06 100000 1e-05"],
    ['{{len "é"}} {{slice "aé" 1}} {{index "é" 0}}', "2 é 195"],
    ["{{and 0 1}} {{or 0 2}} {{not 0}}", "0 2 true"],
    ["{{range 3}}{{.}}{{end}}", "012"],
  ])("%s", (text, want) => {
    expect(run(text, { list: ["x", "y"], map: { k: "v" } })).toBe(want);
  });

  test("names the place of an error as Go does", () => {
    expect(() => run("line\n{{ .a.b }}", { a: 1 })).toThrow(
      'template: t:2:5: executing "t" at <.a.b>: can\'t evaluate field b in type interface {}',
    );
    expect(() => run("{{if}}")).toThrow("template: t:1: missing value for if");
    expect(() => run("{{gt 1.5 1}}")).toThrow("incompatible types for comparison");
  });

  test("calls functions with converted arguments", () => {
    const funcs = { up: textFn((text) => text.toUpperCase()), twice: fn([INT], INT, (n) => int(n.int * 2n)) };
    expect(new Template("t", { funcs }).parse("{{up `a`}}{{4 | twice}}").execute()).toBe("A8");
    expect(() => new Template("t", { funcs }).parse("{{up 1}}").execute()).toThrow("expected string; found 1");
  });

  test("keeps to its limits", () => {
    expect(() => run('{{define "r"}}{{template "r"}}{{end}}{{template "r"}}')).toThrow("maximum template depth");
    expect(() => run("{{range 2000000}}{{end}}")).toThrow("steps");
    const limits = { output: 10 };
    expect(() => new Template("t", { limits }).parse("{{range 99}}xx{{end}}").execute()).toThrow("longer than 10");
    expect(() => run(`{{${"(".repeat(5000)}1${")".repeat(5000)}}}`)).toThrow("nested too deeply");
  });

  test("a clone does not change its origin", () => {
    const base = new Template("base").parse('{{define "x"}}old{{end}}');
    const clone = base.clone("c").parse('{{define "x"}}new{{end}}{{template "x"}}');
    expect(clone.execute()).toBe("new");
    expect(base.clone("d").parse('{{template "x"}}').execute()).toBe("old");
  });
});

describe("any text", () => {
  test("parses or fails with a TemplateError, and never hangs", () => {
    const piece = fc.constantFrom(
      "{{",
      "}}",
      "{{- ",
      " -}}",
      "if ",
      "range ",
      "end",
      ".a",
      "$x",
      ":=",
      "|",
      "(",
      ")",
      '"s"',
      "1",
      "else",
      " ",
      "\n",
      "é",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 25 }), (pieces) => {
        try {
          new Template("f", { limits: { steps: 1000 } }).parse(pieces.join("")).execute({ a: 1 });
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test("text without actions stays as it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).filter((text) => !text.includes("{{")),
        (text) => {
          expect(run(text)).toBe(text);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});
