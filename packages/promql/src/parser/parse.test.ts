import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PromqlParseError } from "./error.ts";
import { exprToJson } from "./json.ts";
import { parseExpr, parseMetricSelector, sourceOf } from "./parse.ts";
import { formatExpr, prettify } from "./printer.ts";
import { selectorsOf } from "./walk.ts";

const ALL = { experimentalFunctions: true, extendedRangeSelectors: true, binopFillModifiers: true };

function errorOf(query: string, options = ALL): string {
  try {
    parseExpr(query, options);
  } catch (error) {
    if (error instanceof PromqlParseError) return error.message;
    throw error;
  }
  return "no error";
}

describe("parseExpr", () => {
  it.each([
    ["-a ^ b * c", "-a ^ b * c", "binaryExpr"],
    ["2 ^ 3 ^ 2", "2 ^ 3 ^ 2", "binaryExpr"],
    ["sum(rate(x[5m]))by(job)", "sum by (job) (rate(x[5m]))", "aggregation"],
    ["x offset 5m @ 100 ", "x @ 100.000 offset 5m", "vectorSelector"],
    ["x[1h:5m] @ end() offset -1w", "x[1h:5m] @ end() offset -1w", "subquery"],
    ["{'a.b', c!~`x|y`}", '{__name__="a.b",c!~"x|y"}', "vectorSelector"],
    ["a and on(x,) b", "a and on (x) b", "binaryExpr"],
    ["a * ignoring(x) group_left(y,z) b", "a * ignoring (x) group_left (y, z) b", "binaryExpr"],
    ["x[(1h+5m)*2]", "x[(1h + 5m) * 2]", "matrixSelector"],
    ["x offset -(2*step())", "x offset -(2 * step())", "vectorSelector"],
    ["1h30m", "1h30m", "numberLiteral"],
    ["0x1F + 1_000.5", "31 + 1000.5", "binaryExpr"],
    ["sum", "sum", "vectorSelector"],
    ["by + fill", "by + fill", "binaryExpr"],
    ["x[5m] anchored", "x[5m] anchored", "matrixSelector"],
    ["a + fill_left(1) fill_right(-2) b", "a + fill_left (1) fill_right (-2) b", "binaryExpr"],
    ["h >/ 2", "h >/ 2", "binaryExpr"],
    ['"\\u00e9\\x41"', '"éA"', "stringLiteral"],
  ])("%s", (query, text, type) => {
    const expr = parseExpr(query, ALL);
    expect(formatExpr(expr)).toBe(text);
    expect(exprToJson(expr)).toMatchObject({ type });
    expect(sourceOf(expr)).toBe(query);
    expect(formatExpr(parseExpr(text, ALL))).toBe(text);
  });

  it.each([
    ["", "unknown position: parse error: no expression found in input"],
    ["a b", '1:3: parse error: unexpected identifier "b"'],
    ["sum(a b)", '1:7: parse error: unexpected identifier "b" in aggregation'],
    ["a +", "1:4: parse error: unexpected end of input"],
    ["a{b}", '1:4: parse error: unexpected "}" in label matching, expected label matching operator'],
    ["a{b=1}", "1:5: parse error: unexpected character inside braces: '1'"],
    ['a{b="c" d}', '1:9: parse error: unexpected identifier "d" in label matching, expected "," or "}"'],
    ["a on b", "1:3: parse error: unexpected <on>"],
    ["a + on b", '1:8: parse error: unexpected identifier "b" in grouping opts, expected "("'],
    ["a[5m", "1:5: parse error: unclosed left bracket"],
    ["a[0s]", "1:3: parse error: duration must be greater than 0"],
    ["a[5m:", "1:6: parse error: unclosed left bracket"],
    ["a[x]", "1:3: parse error: unexpected character in duration expression: 'x'"],
    ["rate(a)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ["rate(a[5m], 1)", '1:1: parse error: expected 1 argument(s) in call to "rate", got 2'],
    ["nope(a)", '1:1: parse error: unknown function with name "nope"'],
    ["a offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"],
    [
      "(a) offset 1m",
      "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ],
    ["1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"],
    ["a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"],
    ["a and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['{x=~".*"}', "1:1: parse error: vector selector must contain at least one non-empty matcher"],
    ['a{__name__="b"}', '1:1: parse error: metric name must not be set twice: "a" or "b"'],
    ["topk(a, b)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"],
    ["1d1y", '1:1: parse error: bad number or duration syntax: "1d1"'],
    ["é", "1:1: parse error: unexpected character: 'é'"],
    ['"é" é', "1:6: parse error: unexpected character: 'é'"],
    ["a\n+\n  b c", '3:5: parse error: unexpected identifier "c"'],
    ["x[5m] offset 1h[3m]", "1:16: parse error: ranges only allowed for vector selectors"],
    ['"\\q"', "1:1: parse error: unknown escape sequence U+0071 'q'"],
  ])("refuses %j", (query, message) => {
    expect(errorOf(query)).toBe(message);
  });

  it("keeps what is experimental behind its option", () => {
    expect(errorOf("mad_over_time(a[5m])", {} as typeof ALL)).toContain('function "mad_over_time" is not enabled');
    expect(errorOf("limitk(1, a)", {} as typeof ALL)).toContain("must be enabled with --enable-feature");
    expect(errorOf("a[5m] smoothed", {} as typeof ALL)).toContain("experimental and not enabled");
    expect(errorOf("a + fill(1) b", {} as typeof ALL)).toContain("binop fill modifiers are experimental");
  });

  it("refuses nesting that would overflow the stack, and huge texts", () => {
    expect(errorOf(`${"(".repeat(5000)}1${")".repeat(5000)}`)).toContain("nested more than 1000 levels");
    expect(errorOf(`a${" + a".repeat(5000)}`)).toContain("nested more than 1000 levels");
    expect(errorOf(`a${"[5m:1m]".repeat(5000)}`)).toContain("nested more than 1000 levels");
    expect(errorOf(`a[${"(".repeat(5000)}1s${")".repeat(5000)}]`)).toContain("nested more than 1000 levels");
    expect(errorOf(`a[1s${"+1s".repeat(5000)}]`)).toContain("nested more than 1000 levels");
    expect(errorOf("a".repeat(2 ** 20 + 1))).toContain("query is longer than");
  });

  it("gives the offsets of the offending part", () => {
    try {
      parseExpr("sum(rate(foo))");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ start: 9, end: 12, code: "promql.parse" });
    }
  });
});

describe("parseMetricSelector", () => {
  it("takes a selector without modifiers", () => {
    expect(parseMetricSelector('up{job=~"a|b"}').map(String)).toEqual(['job=~"a|b"', '__name__="up"']);
    expect(() => parseMetricSelector("up offset 5m")).toThrow(PromqlParseError);
    expect(() => parseMetricSelector("sum(up)")).toThrow(PromqlParseError);
  });
});

it("finds the selectors of a query", () => {
  const selectors = selectorsOf(parseExpr("a / on(x) rate(b[5m]) > scalar(c)"));
  expect(selectors.map((matchers) => matchers[0].value)).toEqual(["a", "b", "c"]);
});

it("breaks long expressions over lines", () => {
  const query = `sum by (job) (rate(some_rather_long_metric_name_total{namespace="monitoring"}[5m])) / on (job) group_left () up`;
  expect(prettify(parseExpr(query))).toBe(
    [
      '  sum by (job) (rate(some_rather_long_metric_name_total{namespace="monitoring"}[5m]))',
      "/ on (job) group_left ()",
      "  up",
    ].join("\n"),
  );
});

const selector = fc
  .constantFrom("a", 'b{x="1"}', '{y!="z"}[0]', "c offset 5m", "d @ 10")
  .map((text) => text.replace("{y!=", '{x="",y!=').replace("[0]", "").replace('x="",', 'w="v",'));
const { vector } = fc.letrec<{ vector: string; scalar: string }>((tie) => ({
  scalar: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("1", "-2.5", "time()", "1h"),
    tie("vector").map((text) => `scalar(${text})`),
    fc.tuple(tie("scalar"), fc.constantFrom("+", "^", "%", "== bool"), tie("scalar")).map((parts) => parts.join(" ")),
  ),
  vector: fc.oneof(
    { depthSize: "small" },
    selector,
    tie("vector").map((text) => `(${text})`),
    tie("vector").map((text) => `-${text}`),
    tie("vector").map((text) => `sum by (x, y) (${text})`),
    tie("vector").map((text) => `max_over_time((${text})[10m:1m] @ start())`),
    fc.tuple(tie("scalar"), tie("vector")).map(([k, text]) => `topk(${k}, ${text})`),
    fc
      .tuple(
        tie("vector"),
        fc.constantFrom("+", "and", "> bool", "^ on (x)", "/ ignoring (y) group_right (z)", "unless"),
        tie("vector"),
      )
      .map((parts) => parts.join(" ")),
  ),
}));

it("a sign before a power of infinity stays one sign", () => {
  for (const query of ["+Inf ^ x", "-Inf ^ x", "-(Inf ^ x)"]) {
    const text = formatExpr(parseExpr(query));
    expect(text).toBe(query.replace("(Inf", "(+Inf"));
    expect(formatExpr(parseExpr(text))).toBe(text);
  }
});

describe("properties", () => {
  it("printing is a fixed point of parsing", () => {
    fc.assert(
      fc.property(vector, (query) => {
        const text = formatExpr(parseExpr(query, ALL));
        const again = parseExpr(text, ALL);
        expect(formatExpr(again)).toBe(text);
        expect(exprToJson(parseExpr(prettify(again, 20), ALL))).toEqual(exprToJson(again));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("nothing but PromqlParseError comes out of any text", () => {
    const pieces = fc.constantFrom(
      ..."a sum( rate( [5m] [1h: ] { } \" ' ` \\ = =~ != ! on( by ( ) , offset @ 1 0x -1e . : # \n é 1h bool fill( / </ >/".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((list) => list.join(" ")),
        ),
        (text) => {
          const message = errorOf(text);
          expect(message === "no error" || message.includes("parse error: ")).toBe(true);
        },
      ),
      { seed: 11, numRuns: 2000 },
    );
  });
});
