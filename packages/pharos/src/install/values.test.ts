import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readValue } from "./value-types.ts";
import { describeValues, readSetting, readValuesFile, resolveValues, VALUES } from "./values.ts";

const set = (...settings: string[]) => resolveValues("default", settings.map(readSetting));

function withFile<T>(text: string, use: (file: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), "pharos-values-"));
  try {
    const file = join(dir, "values.yaml");
    writeFileSync(file, text);
    return use(file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe("wrong settings say what is wrong", () => {
  test.each([
    ["prometheus.retenton=1d", "Did you mean prometheus.retention?"],
    ["retention=1d", "Did you mean"],
    ["prometheus.retention", "name=value"],
    ["prometheus.retention=soon", "must be a duration"],
    ["prometheus.retentionSize=big", "must be a size"],
    ["prometheus.memoryLimit=1 GB", "must be a quantity"],
    ["prometheus.replicas=-1", "must be a whole number"],
    ["grafana.enabled=yes", "must be true or false"],
    ["namespace=My_Namespace", "must be a name"],
    ["prometheus.ruleSelector=app", "must be labels"],
    ["prometheus.ruleSelector={a b: c}", "no name of a label"],
    ["prometheus.namespaces=[a", "is not YAML"],
    ["imagePullPolicy=Sometimes", "must be one of"],
    ["slack.matchExpression=severity", "must be matchers"],
    ["slack.channel=#ops", "slack.apiurl: is missing|slack.apiurl is missing"],
    ["grafana.gateway.name=g", "needs a domain"],
    ["domain=https://example.org", "is not a domain"],
  ])("%s", (setting, message) => {
    expect(() => set(setting)).toThrow(UserError);
    try {
      set(setting);
    } catch (error) {
      expect((error as UserError).describe()).toMatch(new RegExp(message));
    }
  });

  test("a secret is not told", () => {
    try {
      set("slack.apiurl=hooks.slack.com/very-secret");
      expect.unreachable();
    } catch (error) {
      expect((error as UserError).describe()).not.toContain("very-secret");
    }
  });
});

test("values files are nested or have dots, and --set counts more", () => {
  const text = "prometheus:\n  retention: 3d\n  ruleSelector: {a: b}\ngrafana.enabled: false\n";
  const values = withFile(text, (file) =>
    resolveValues("production", [...readValuesFile(file), readSetting("prometheus.retention=5d")]),
  );
  expect(values["prometheus.retention"]).toBe("5d");
  expect(values["prometheus.retentionSize"]).toBe("15GB");
  expect(values["prometheus.ruleSelector"]).toEqual({ a: "b" });
  expect(values["grafana.enabled"]).toBe(false);
});

test.each([
  ["prometheus:\n  retentionn: 3d\n", "Did you mean prometheus.retention"],
  ["- a\n", "is a map"],
  ["prometheus: 3\n", "there is no value prometheus"],
])("wrong values file %j", (text, message) => {
  expect(() => withFile(text, (file) => resolveValues("default", readValuesFile(file)))).toThrow(UserError);
  try {
    withFile(text, readValuesFile);
  } catch (error) {
    expect((error as UserError).describe()).toContain(message);
  }
});

test("defaults of every profile are values of their types", () => {
  for (const profile of ["default", "evaluation", "production"] as const) {
    const values = resolveValues(profile, []);
    for (const [name, { type }] of Object.entries(VALUES)) {
      expect(readValue(name, type, values[name as keyof typeof VALUES])).toEqual(values[name as keyof typeof VALUES]);
    }
  }
  expect(describeValues().split("\n")).toHaveLength(2 * Object.keys(VALUES).length);
});

test("any text is a value or a UserError", () => {
  const types = [...new Set(Object.values(VALUES).map(({ type }) => type))];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.oneof(fc.string(), fc.jsonValue()), (type, value) => {
      try {
        readValue("x", type, value);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { numRuns: 300, seed: 8 },
  );
});
