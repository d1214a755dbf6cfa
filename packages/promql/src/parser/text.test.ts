import { describe, expect, it } from "vitest";
import { LiteralError, parseNumber, unquote } from "./literal.ts";
import { describePosition, formatFixed, formatFloat, formatGeneral, formatSignificant, quote } from "./text.ts";

describe("Go's number formats", () => {
  it.each([
    [1e21, "1000000000000000000000", "1e+21"],
    [123456789, "123456789", "1.23456789e+08"],
    [1e-7, "0.0000001", "1e-07"],
    [0.5, "0.5", "0.5"],
    [-2, "-2", "-2"],
    [Infinity, "+Inf", "+Inf"],
    [Number.NaN, "NaN", "NaN"],
    [0, "0", "0"],
  ])("%d", (value, fixed, general) => {
    expect(formatFloat(value)).toBe(fixed);
    expect(formatGeneral(value)).toBe(general);
  });

  it("rounds to significant digits", () => {
    expect([0.001234, 12.5, 123456, 0].map((value) => formatSignificant(value, 2))).toEqual([
      "0.0012",
      "13",
      "1.2e+05",
      "0",
    ]);
    expect(formatFixed(1.5, 3)).toBe("1.500");
  });
});

describe("literals", () => {
  it.each([
    ["010", 8],
    ["08", 8],
    ["0xff", 255],
    ["1_000", 1000],
    [".5e1", 5],
    ["Inf", Infinity],
    ["9223372036854775808", 2 ** 63],
  ])("%s", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it("refuses what Go refuses", () => {
    expect(() => parseNumber("1e999")).toThrow(LiteralError);
    expect(() => parseNumber("1__0")).toThrow(LiteralError);
  });

  it("reads escapes, also those that spell bytes", () => {
    expect(unquote('"\\xe2\\x82\\xac\\101\\n"')).toBe("€A\n");
    expect(unquote("`\\n`")).toBe("\\n");
    const broken = unquote('"a\\xc5z"');
    expect(broken.isWellFormed()).toBe(false);
    expect(quote(broken)).toBe('"a\\xc5z"');
  });
});

it("counts columns in bytes", () => {
  expect(describePosition("é\nüx", 3)).toBe("2:3");
  expect(describePosition("", 0)).toBe("unknown position");
});
