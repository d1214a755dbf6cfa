import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nearlySame } from "./compare.ts";
import { failuresOf, type RuleTestOptions, runRuleTestFile } from "./run.ts";

const RULES = `
groups:
  - name: second
    rules:
      - record: doubled
        expr: 2 * base
  - name: first
    rules:
      - record: base
        expr: sum by (job) (input)
      - alert: High
        expr: base > 10
        for: 2m
        labels: { severity: page, site: '{{ $externalLabels.site }}' }
        annotations: { summary: '{{ $labels.job }} is at {{ $value }}, see {{ externalURL }}' }
`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-rule-tests-"));
  writeFileSync(join(dir, "rules.yml"), RULES);
});
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;

async function run(text: string, options: RuleTestOptions = {}) {
  const file = join(dir, `test-${files++}.yml`);
  writeFileSync(file, text);
  return runRuleTestFile(file, options);
}

const group = (rest: string): string => `
rule_files: [rules.yml]
group_eval_order: [first, second]
tests:
  - name: one
    interval: 1m
    external_labels: { site: north }
    external_url: http://example.test
    input_series:
      - { series: 'input{job="a",i="1"}', values: '1+1x20' }
      - { series: 'input{job="a",i="2"}', values: '0x20' }
${rest}`;

describe("unit tests of rules", () => {
  it("evaluate groups in their order, on the test's own clock", async () => {
    const report = await run(
      group(`
    promql_expr_test:
      - { expr: doubled, eval_time: 5m, exp_samples: [{ labels: 'doubled{job="a"}', value: 12 }] }
      - { expr: timestamp(base), eval_time: 5m30s, exp_samples: [{ labels: '{job="a"}', value: 300 }] }
      - { expr: nothing, eval_time: 5m, exp_samples: [] }
`),
    );
    expect(failuresOf(report)).toEqual([]);
    expect(report.cases).toMatchObject([{ name: "one", failures: [] }]);
  });

  it("compare alerts with labels and annotations as they fire", async () => {
    const alert = `
          - exp_labels: { job: a, severity: page, site: north }
            exp_annotations: { summary: 'a is at 13, see http://example.test' }`;
    const report = await run(
      group(`
    alert_rule_test:
      - { eval_time: 11m, alertname: High, exp_alerts: [] }
      - eval_time: 12m
        alertname: High
        exp_alerts:${alert}
      - eval_time: 12m59s
        alertname: High
        exp_alerts:${alert}
`),
    );
    expect(failuresOf(report)).toEqual([]);
  });

  it("say what was expected and what came", async () => {
    const report = await run(
      group(`
    alert_rule_test:
      - { eval_time: 12m, alertname: High }
    promql_expr_test:
      - { expr: base, eval_time: 1m, exp_samples: [{ labels: 'base{job="a"}', value: 3 }] }
      - { expr: 'base[', eval_time: 1m }
`),
    );
    const [alert, value, syntax] = failuresOf(report);
    expect(alert).toBe(
      `    name: one,
    alertname: High, time: 12m, ${""}
        exp:[], ${""}
        got:[
            0:
              Labels:{alertname="High", job="a", severity="page", site="north"}
              Annotations:{summary="a is at 13, see http://example.test"}
            ]`,
    );
    expect(value).toBe(
      '    expr: "base", time: 1m,\n        exp: {__name__="base", job="a"} 3E+00\n        got: {__name__="base", job="a"} 2E+00',
    );
    expect(syntax).toContain('expr: "base[", time: 1m, err: 1:6: parse error: ');
  });

  it("end at a rule that fails", async () => {
    writeFileSync(join(dir, "bad.yml"), "groups: [{ name: g, rules: [{ record: r, expr: input + on() input }] }]");
    const report = await run(group("").replace("rules.yml", "bad.yml"));
    expect(failuresOf(report)).toEqual([expect.stringMatching(/^ {4}rule: r, time: 0s, err: found duplicate series/)]);
  });

  it("name the line of what cannot be read", async () => {
    const series = await run(group("").replace("0x20", "0y20"));
    expect(failuresOf(series)[0]).toMatch(/test-\d+\.yml:11:\d+ .*input\{job="a",i="2"\} 0y20: /);
    const field = await run(group("    promql_tests: []\n"));
    expect(failuresOf(field)[0]).toContain("field promql_tests not found in type main.testGroup");
    const order = await run(group("").replace("[first, second]", "[first, first]"));
    expect(failuresOf(order)[0]).toContain("group name repeated in evaluation order: first");
  });

  it("warn of a pattern without files, and run only what is asked for", async () => {
    const report = await run(group("").replace("rules.yml", "no-*.yml"), { run: (name) => name !== "one" });
    expect(report.warnings).toEqual([`no file match pattern ${join(dir, "no-*.yml")}`]);
    expect(report.cases).toEqual([]);
  });

  it("take a start in either form", async () => {
    for (const start of ["2020-01-01T00:00:00Z", "1577836800"]) {
      const report = await run(
        group(`
    start_timestamp: ${start}
    promql_expr_test:
      - { expr: 'timestamp(input{i="1"})', eval_time: 1m, exp_samples: [{ labels: '{job="a",i="1"}', value: 1577836860 }] }
`),
      );
      expect(failuresOf(report)).toEqual([]);
    }
  });

  it("show differing alerts line by line when asked", async () => {
    const report = await run(group("    alert_rule_test:\n      - { eval_time: 12m, alertname: High }\n"), {
      diff: true,
    });
    expect(failuresOf(report)[0]).toContain("diff: - []");
    expect(failuresOf(report)[0]).toContain("+ [");
  });
});

describe("fuzzy comparison", () => {
  it("takes the neighbours of a float, and no more", () => {
    expect(nearlySame(3, 3.0000000000000004)).toBe(true);
    expect(nearlySame(3, 3.000000000000001)).toBe(false);
    expect(nearlySame(-1, 1)).toBe(false);
    expect(nearlySame(Number.NaN, Number.NaN)).toBe(false);
  });
});
