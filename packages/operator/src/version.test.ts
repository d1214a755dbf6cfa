import { describe, expect, test } from "vitest";
import { atLeast, compareVersions, isVersion, VersionGate } from "./version.ts";

describe("versions", () => {
  test.each([
    ["v2.45.0", "2.45.0", 0],
    ["2.9.0", "2.10.0", -1],
    ["3", "2.99.99", 1],
    ["3.0.0-rc.0", "3.0.0", -1],
    ["3.0.0-rc.1", "3.0.0-rc.0", 1],
    ["3.0.0-beta.2", "3.0.0-rc.0", -1],
    ["3.0.0-rc.2", "3.0.0-rc.10", -1],
    ["3.0.0-rc", "3.0.0-rc.0", -1],
    ["3.5.0+build5", "3.5.0", 0],
  ])("%s against %s", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(atLeast(a, b)).toBe(sign >= 0);
  });

  test.each([
    ["v3.5.0", true],
    ["3", true],
    ["3.0.0-rc.0+x", true],
    ["latest", false],
    ["", false],
    ["3.5.0.1", false],
  ])("%s is a version: %s", (text, expected) => {
    expect(isVersion(text)).toBe(expected);
  });

  test("a gate remembers what it left out and why", () => {
    const gate = new VersionGate("v2.40.0");
    const out: Record<string, unknown> = {};
    gate.set(out, "known", 1, "2.39.0");
    gate.set(out, "absent", undefined, "3.0.0");
    gate.set(out, "young", true, "2.45.0");
    expect(gate.allowsBefore("old", "2.11.0")).toBe(false);
    expect(out).toEqual({ known: 1 });
    expect([...gate.ignored]).toEqual([
      ["young", "needs version 2.45.0 or newer, this is v2.40.0"],
      ["old", "was removed in version 2.11.0, this is v2.40.0"],
    ]);
  });
});
