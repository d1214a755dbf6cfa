/**
 * promtool's commands on its own test data: what each file has to give (exit code, and words that must be said), and in a
 * suite of its own the same lines given to the real promtool, looked for in `$PHAROS_PEERS`, else in ../peers/bin. Output is
 * compared whole where both speak alike, and by exit code where a complaint names file and line, which Pharos does its own way.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Suite, SuiteResult } from "./suite.ts";

const root = dirname(import.meta.dirname);
const real = join(process.env.PHAROS_PEERS ?? join(dirname(root), "peers", "bin"), "promtool");
const main = join(root, "packages/pharos/src/main.ts");

interface Line {
  args: string;
  input?: string;
  code: number;
  /** Has to be said. */
  says?: string;
  /** Real promtool 3.5 is older here, or says it in other words: `no` is not compared, `code` by its exit code only. */
  compare?: "no" | "code";
}

const FEATURES =
  "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,promql-binop-fill-modifiers";

const LINES: readonly Line[] = [
  { args: "test rules unittest.yml", code: 0, says: "SUCCESS" },
  { args: "test rules unittest.yml failing.yml", code: 1, says: 'exp: {__name__="test"} 1E+00' },
  { args: "test rules failing.yml", code: 1, says: "Failing alert test" },
  { args: "test rules --run=nothing failing.yml", code: 0 },
  { args: "test rules --run=alert failing.yml", code: 1, says: "InstanceDown" },
  { args: "test rules long-period.yml", code: 0 },
  { args: "test rules at-modifier-test.yml", code: 0 },
  { args: "test rules negative-offset-test.yml", code: 0 },
  { args: "test rules no-test-group-interval.yml", code: 0 },
  { args: "test rules start-time-test.yml", code: 0, compare: "no" },
  { args: "test rules bad-input-series.yml", code: 1, says: "unexpected character inside braces", compare: "code" },
  { args: "test rules bad-promql.yml", code: 1, says: "many-to-many matching not allowed", compare: "code" },
  { args: "test rules bad-rules-error-test.yml", code: 1, says: "rule: joined, time: 0s, err:", compare: "code" },
  { args: "test rules bad-rules-syntax-test.yml", code: 1, says: "could not parse expression", compare: "code" },
  { args: "test rules rules_run.yml", code: 1 },
  { args: "test rules rules_run_fuzzy.yml", code: 1, says: "2.9999999999999987E+00" },
  { args: "test rules rules_run_no_fuzzy.yml", code: 1, says: "2.9999999999999996E+00" },
  { args: "test rules rules_run_extrafields.yml", code: 1, says: "field namespace not found", compare: "code" },
  { args: "test rules --ignore-unknown-fields rules_run_extrafields.yml", code: 0 },
  { args: "check rules rules.yml", code: 0, says: "rules found" },
  { args: "check rules rules_large.yml", code: 0 },
  { args: "check rules rules-bad.yml", code: 1, says: 'undefined variable "$label"', compare: "code" },
  { args: "check rules rules_duplicates.yml", code: 0, says: "duplicate rule(s) found" },
  { args: "check rules --lint-fatal rules_duplicates.yml", code: 3 },
  { args: "check rules --lint=none --lint-fatal rules_duplicates.yml", code: 0 },
  { args: "check rules rules_extrafields.yml", code: 1, says: "field ownership not found", compare: "code" },
  { args: "check rules --ignore-unknown-fields rules_extrafields.yml", code: 0 },
  { args: "check rules prometheus-rules.lint.yml", code: 0 },
  { args: "check rules --lint-fatal prometheus-rules.lint.yml", code: 3 },
  { args: "check rules features.yml", code: 1, says: "is not enabled", compare: "code" },
  { args: `check rules ${FEATURES} features.yml`, code: 0, compare: "no" },
  { args: "check rules", input: "rules.yml", code: 0 },
  { args: "check rules nosuch.yml", code: 1, says: "does not exist", compare: "code" },
  { args: "check config prometheus-config.good.yml", code: 0 },
  { args: "check config prometheus-config.bad.yml", code: 1, says: "field not-prometheus not found", compare: "code" },
  { args: "check config prometheus-config.lint.yml", code: 0 },
  { args: "check config --lint-fatal prometheus-config.lint.yml", code: 3 },
  { args: "check config --lint=all --lint-fatal prometheus-config.lint.too_long_scrape_interval.yml", code: 3 },
  { args: "check config --lint=none --lint-fatal prometheus-config.lint.too_long_scrape_interval.yml", code: 0 },
  { args: "check config prometheus-config.rules.good.yml", code: 1, compare: "code" },
  { args: "check config prometheus-aws-sd-empty-region.good.yml", code: 0, compare: "no" },
  { args: "check config config_with_rule_files.yml", code: 1, says: "does not point to an existing file" },
  { args: "check config config_with_service_discovery_files.yml", code: 0 },
  { args: "check config --syntax-only config_with_tls_files.yml", code: 0 },
  { args: "check config config_with_tls_files.yml", code: 1, says: "error checking client cert file", compare: "code" },
  { args: "check config authorization_credentials_file.bad.yml", code: 1, says: "credentials", compare: "code" },
  { args: "check config --syntax-only authorization_credentials_file.bad.yml", code: 0 },
  { args: "check config url_in_scrape_targetgroup_with_relabel_config.bad.yml", code: 1 },
  { args: "check config url_in_scrape_targetgroup_with_relabel_config.good.yml", code: 0 },
  {
    args: "check config url_in_alert_targetgroup_with_relabel_config.bad.yml",
    code: 1,
    says: "is not a valid hostname",
    compare: "code",
  },
  { args: "check config url_in_alert_targetgroup_with_relabel_config.good.yml", code: 0 },
  {
    args: "check config --agent ../config-testdata/agent_mode.with_alert_manager.yml",
    code: 1,
    says: "agent mode",
    compare: "code",
  },
  { args: "check metrics", input: "metrics-test.prom", code: 0 },
  { args: "check metrics --extended", input: "metrics-test.prom", code: 0, says: "Cardinality" },
  { args: "--experimental promql format sum(rate(a[5m]))by(b)/2", code: 0, says: "sum by (b) (rate(a[5m])) / 2" },
  { args: "--experimental promql label-matchers set up job x", code: 0, says: 'up{job="x"}' },
  { args: '--experimental promql label-matchers delete up{job="x"} job', code: 0, says: "up" },
  { args: "promql format up", code: 1, says: "--experimental", compare: "code" },
];

interface Outcome {
  code: number | null;
  out: string;
}

function run(program: string, before: readonly string[], { args, input }: Line, folder: string): Outcome {
  const { status, stdout, stderr } = spawnSync(program, [...before, ...args.split(" ")], {
    cwd: folder,
    input: input === undefined ? "" : readFileSync(join(folder, input)),
    encoding: "utf8",
  });
  return { code: status, out: `${stdout}${stderr}` };
}

function ours(line: Line, folder: string): Outcome {
  return run(process.execPath, ["--disable-warning=ExperimentalWarning", main, "promtool"], line, folder);
}

function tally(failures: string[], total: number): SuiteResult {
  return { passed: total - failures.length, total, failures };
}

function alone(folder: string): SuiteResult {
  const failures = LINES.flatMap((line) => {
    const { code, out } = ours(line, folder);
    if (code !== line.code) return [`${line.args}: exit code ${code}, expected ${line.code}: ${out.slice(0, 300)}`];
    if (line.says !== undefined && !out.includes(line.says)) return [`${line.args}: says ${out.slice(0, 300)}`];
    return [];
  });
  return tally(failures, LINES.length);
}

function sideBySide(folder: string): SuiteResult {
  if (!existsSync(real)) {
    return { passed: 0, total: 0, failures: [], notRun: "no promtool; set PHAROS_PEERS to its folder" };
  }
  const compared = LINES.filter(({ compare }) => compare !== "no");
  const failures = compared.flatMap((line) => {
    const mine = ours(line, folder);
    const theirs = run(real, [], line, folder);
    if (mine.code !== theirs.code) return [`${line.args}: exit code ${mine.code}, promtool's ${theirs.code}`];
    if (line.compare === "code" || mine.out === theirs.out) return [];
    return [
      `${line.args}: ${JSON.stringify(mine.out.slice(0, 300))}, promtool ${JSON.stringify(theirs.out.slice(0, 300))}`,
    ];
  });
  return tally(failures, compared.length);
}

export const suites: Suite[] = [
  { name: "promtool", data: "prometheus/promtool-testdata", run: alone },
  { name: "promtool-side-by-side", data: "prometheus/promtool-testdata", run: sideBySide },
];
