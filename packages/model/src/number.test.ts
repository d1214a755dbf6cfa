import { expect, test } from "vitest";
import { formatExponent, formatValue, parseValue } from "./number.ts";

test.each([
  [0, "0"],
  [-0, "-0"],
  [1.5, "1.5"],
  [1e21, "1e+21"],
  [123456789012345680000, "123456789012345680000"],
  [1e-7, "1e-07"],
  [0.000001, "0.000001"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "+Inf"],
  [Number.NEGATIVE_INFINITY, "-Inf"],
])("formatValue(%d) is %s", (value, text) => {
  expect(formatValue(value)).toBe(text);
});

test.each([
  [1, "1e+00"],
  [75.5, "7.55e+01"],
  [0, "0e+00"],
  [-0, "-0e+00"],
  [1e-10, "1e-10"],
  [1e100, "1e+100"],
])("formatExponent(%d) is %s", (value, text) => {
  expect(formatExponent(value)).toBe(text);
});

test.each([
  ["+Inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
  ["1e3", 1000],
  [".5", 0.5],
  ["5.", 5],
  ["", Number.NaN],
  ["0x10", Number.NaN],
  ["1_000", Number.NaN],
  [" 1", Number.NaN],
])("parseValue(%j)", (text, value) => {
  expect(parseValue(text)).toBe(value);
});
