import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TemplateError } from "./error.ts";
import type { MissingKey } from "./exec/environment.ts";
import type { Limits } from "./exec/limits.ts";
import { alertmanagerFunctions } from "./functions/alertmanager.ts";
import { Template } from "./template.ts";
import { fn, method, textFn, variadic } from "./value/function.ts";
import { INT, STRING, sequenceOf, Type } from "./value/type.ts";
import { ANY_MAP, boxed, func, GoMap, int, pointerTo, sliceOf, string, stringMap, Value, zero } from "./value/value.ts";

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

  test("takes JavaScript data", () => {
    expect(run("{{.}}", new Map([["b", 1n]]))).toBe("map[b:1]");
    expect(run("{{.}}", [1.5, 2n, "x", true, null, { a: [] }])).toBe("[1.5 2 x true <nil> map[a:[]]]");
    expect(() => run("{{.}}", new Date())).toThrow("no Go value for a JavaScript Date");
    expect(() => run("{{.}}", Symbol("x"))).toThrow("no Go value for a JavaScript symbol");
  });

  test("a clone does not change its origin", () => {
    const base = new Template("base").parse('{{define "x"}}old{{end}}');
    const clone = base.clone("c").parse('{{define "x"}}new{{end}}{{template "x"}}');
    expect(clone.execute()).toBe("new");
    expect(base.clone("d").parse('{{template "x"}}').execute()).toBe("old");
  });
});

describe("typed values", () => {
  const POINT = new Type("struct", "geo.Point", {
    fields: [
      { name: "X", type: INT },
      { name: "hidden", type: INT },
    ],
  });
  POINT.define({
    String: method([], STRING, (self) => string(`<${self.field("X")!.int}>`)),
    Plus: method([INT], INT, (self, by) => int(self.field("X")!.int + by.int)),
    Grow: { ...method([], STRING, () => string("grown")), pointer: true },
  });
  const point = (): Value => new Value(POINT, [int(4), int(0)]);

  test("have fields and methods, those of the pointer where there is one", () => {
    expect(run("{{.}} {{.X}} {{.Plus 3}} {{3 | .Plus}}", point())).toBe("<4> 4 7 7");
    expect(run("{{.Grow}}", pointerTo(point()))).toBe("grown");
    expect(() => run("{{.Grow}}", point())).toThrow("can't evaluate field Grow in type geo.Point");
    expect(() => run("{{.hidden}}", point())).toThrow("hidden is an unexported field of struct type geo.Point");
    expect(() => run("{{.Plus}}", point())).toThrow("wrong number of args for Plus: want 1 got 0");
    expect(() => run("{{.Plus `a`}}", point())).toThrow("expected integer; found `a`");
    expect(() => run("{{.X 1}}", point())).toThrow("X has arguments but cannot be invoked as function");
    expect(() => run("{{.X}}", zero(POINT.pointer))).toThrow("nil pointer evaluating *geo.Point.X");
  });

  test("a missing key gives what the option says", () => {
    const data = stringMap([["a", "1"]]);
    const option = (missingKey: MissingKey): Template => new Template("t", { missingKey }).parse("{{.a}}{{.b}}");
    expect(option("invalid").execute(data)).toBe("1<no value>");
    expect(option("zero").execute(data)).toBe("1");
    expect(() => option("error").execute(data)).toThrow('map has no entry for key "b"');
    expect(() => option("error").execute()).toThrow('nil data; no entry for key "a"');
  });

  test("sequences are walked as far as needed", () => {
    function* endless(): Generator<readonly Value[]> {
      for (let i = 0; ; i++) yield [int(i), string(`v${i}`)];
    }
    const pairs = new Value(sequenceOf(STRING, INT), endless);
    expect(run("{{range $k, $v := .}}{{if eq $k 3}}{{break}}{{end}}{{$k}}{{$v}} {{end}}", pairs)).toBe("0v0 1v1 2v2 ");
    const single = new Value(sequenceOf(INT), () => [[int(7)]]);
    expect(run("{{range .}}{{.}}{{end}}", single)).toBe("7");
    expect(() => run("{{range $a, $b := .}}{{end}}", single)).toThrow("iterate over more than one variable");
  });

  test("a slice of a slice reaches into its capacity", () => {
    const list = sliceOf(INT, [int(1), int(2), int(3)]);
    expect(run("{{slice (slice . 0 1) 0 3}} {{slice (slice . 0 1 2) 1 2}}", list)).toBe("[1 2 3] [2]");
    expect(() => run("{{slice (slice . 0 1 2) 0 3}}", list)).toThrow("index out of range: 3");
  });

  test("functions given as data are called with call", () => {
    const data = { f: func(variadic([INT], INT, (args) => int(args.reduce((sum, arg) => sum + arg!.int, 0n)))) };
    const map = new GoMap().set(string("f"), boxed(data.f));
    expect(run("{{call .f 1 2 3}}", new Value(ANY_MAP, map))).toBe("6");
    expect(() => run("{{call .f `a`}}", new Value(ANY_MAP, map))).toThrow(
      "arg 0: value has type string; should be int",
    );
  });
});

describe("limits", () => {
  const limited = (text: string, limits: Partial<Limits>): string =>
    new Template("t", { limits, funcs: alertmanagerFunctions() }).parse(text).execute();

  test.each([
    ["{{range 100}}{{end}}", { steps: 50 }, "more than 50 steps", "Loop over less in this template"],
    ["{{range 100}}xx{{end}}", { output: 50 }, "output is longer than 50 characters", "Print less in this template"],
    [
      "{{$x := printf `%60d` 1}}",
      { output: 50 },
      "a text is longer than 50 characters",
      "Do not make a text longer in a loop",
    ],
    [
      '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}',
      { depth: 5 },
      "exceeded maximum template depth",
      "A template probably calls itself without end",
    ],
    [
      "{{range 1000000}}{{range 1000000}}{{end}}{{end}}",
      { steps: 1e12, milliseconds: 20 },
      "took longer than 20 ms",
      "Do less in this template",
    ],
    [
      "{{$l := list 1}}{{range 40}}{{$l = list $l $l}}{{end}}{{$l}}",
      {},
      "more than 1000000 values in one text",
      "Do not put lists into themselves in a loop",
    ],
    [
      "{{$l := list 1}}{{range 40}}{{$l = list $l $l}}{{end}}{{$l | toJson}}",
      {},
      "more than 1000000 values in one text",
      "Do not put lists into themselves in a loop",
    ],
  ])("%s", (text, limits, message, fix) => {
    let error: unknown;
    try {
      limited(text, limits);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "gotemplate.limit", fix });
    expect((error as TemplateError).message).toContain(message);
    expect((error as TemplateError).where.line).toBe(1);
  });

  test("a text that is too long is not parsed", () => {
    expect(() => new Template("t").parse("x".repeat(5 * 1024 * 1024))).toThrow("text is longer than");
    expect(() => new Template("t").parse("{{1}}".repeat(250_000))).toThrow("template: t: more than 600000 tokens");
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
