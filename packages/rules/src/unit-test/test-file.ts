/** The file of a unit test of rules, as promtool reads it: strictly, with the line of whatever is wrong. */
import { parseYaml, type YamlNode } from "@pharos/kit";
import { formatDuration, Labels, type Where } from "@pharos/model";

/** What a rule's alerts have to be at a time. */
export interface AlertExpectation {
  /** ms after the start. */
  evalTime: number;
  alertname: string;
  alerts: { labels: Labels; annotations: Labels }[];
}

/** What an expression has to give at a time. */
export interface ExpressionExpectation {
  expr: string;
  /** ms after the start. */
  evalTime: number;
  samples: { labels: string; value: number; histogram: string }[];
}

/** A series in promqltest's notation. */
export interface TestSeries {
  series: string;
  values: string;
  where?: Where;
}

export interface RuleTestGroup {
  name: string;
  /** ms between the samples of the input; undefined takes the file's evaluation interval. */
  interval: number | undefined;
  input: TestSeries[];
  alertTests: AlertExpectation[];
  expressionTests: ExpressionExpectation[];
  externalLabels: Labels;
  externalUrl: string;
  /** Unix ms of the first sample. */
  start: number;
}

export interface RuleTestFile {
  /** As written: patterns, relative to the test file. */
  ruleFiles: string[];
  /** ms */
  evaluationInterval: number;
  groupEvalOrder: string[];
  fuzzyCompare: boolean;
  tests: RuleTestGroup[];
}

/** Throws a UserError that names the line. */
export function parseRuleTestFile(text: string, file: string): RuleTestFile {
  const map = parseYaml(text, file).map();
  const out: RuleTestFile = {
    ruleFiles: map.get("rule_files")?.strings() ?? [],
    evaluationInterval: map.get("evaluation_interval")?.duration() || 60_000,
    groupEvalOrder: map.get("group_eval_order")?.strings() ?? [],
    fuzzyCompare: map.get("fuzzy_compare")?.boolean() ?? false,
    tests: (map.get("tests")?.items() ?? []).map(readGroup),
  };
  map.done("main.unitTestFile");
  const seen = new Set<string>();
  for (const name of out.groupEvalOrder) {
    if (seen.has(name)) throw map.node.error(`group name repeated in evaluation order: ${name}`);
    seen.add(name);
  }
  return out;
}

function readGroup(node: YamlNode): RuleTestGroup {
  const map = node.map();
  const start = map.get("start_timestamp");
  const group: RuleTestGroup = {
    name: map.get("name")?.string() ?? "",
    interval: map.get("interval")?.duration() || undefined,
    input: (map.get("input_series")?.items() ?? []).map(readInput),
    alertTests: (map.get("alert_rule_test")?.items() ?? []).map(readAlertTest),
    expressionTests: (map.get("promql_expr_test")?.items() ?? []).map(readExpressionTest),
    externalLabels: Labels.from(map.get("external_labels")?.stringMap() ?? {}),
    externalUrl: map.get("external_url")?.string() ?? "",
    start: start ? readTime(start) : 0,
  };
  map.done("main.testGroup");
  const nameless = group.alertTests.findIndex(({ alertname }) => alertname === "");
  if (nameless >= 0) {
    const { evalTime } = group.alertTests[nameless];
    const within = group.name === "" ? "" : ` (in TestGroup ${group.name})`;
    throw map
      .get("alert_rule_test")!
      .items()
      [nameless].error(
        `an item under alert_rule_test misses required attribute alertname at eval_time ${formatDuration(evalTime)}${within}`,
        { fix: "Name the alert with alertname" },
      );
  }
  return group;
}

function readInput(node: YamlNode): TestSeries {
  const map = node.map();
  const { where } = node;
  const out = { series: map.get("series")?.string() ?? "", values: map.get("values")?.string() ?? "", where };
  map.done("main.series");
  return out;
}

function readAlertTest(node: YamlNode): AlertExpectation {
  const map = node.map();
  const evalTime = map.get("eval_time")?.duration() ?? 0;
  const alertname = map.get("alertname")?.string() ?? "";
  const alerts = (map.get("exp_alerts")?.items() ?? []).map((item) => {
    const alert = item.map();
    const labels = alert.get("exp_labels")?.stringMap() ?? {};
    const annotations = alert.get("exp_annotations")?.stringMap() ?? {};
    alert.done("main.alert");
    // The alert's name is added at evaluation; a test does not repeat it.
    return { labels: Labels.from({ ...labels, alertname }), annotations: Labels.from(annotations) };
  });
  map.done("main.alertTestCase");
  return { evalTime, alertname, alerts };
}

function readExpressionTest(node: YamlNode): ExpressionExpectation {
  const map = node.map();
  const out = {
    expr: map.get("expr")?.string() ?? "",
    evalTime: map.get("eval_time")?.duration() ?? 0,
    samples: (map.get("exp_samples")?.items() ?? []).map((item) => {
      const sample = item.map();
      const labels = sample.get("labels")?.string() ?? "";
      const valueNode = sample.get("value");
      const histogram = sample.get("histogram")?.string() ?? "";
      sample.done("main.sample");
      return { labels, value: valueNode ? readValue(valueNode) : 0, histogram };
    }),
  };
  map.done("main.promqlTestCase");
  return out;
}

/** A float of YAML, which writes NaN as `.nan`; the spelling of Go is taken too. */
function readValue(node: YamlNode): number {
  return /^\.?nan$/i.test(node.string()) ? Number.NaN : node.number();
}

/** Unix seconds or RFC 3339, in ms. */
function readTime(node: YamlNode): number {
  const text = node.string();
  const seconds = Number(text);
  if (text.trim() !== "" && !Number.isNaN(seconds)) return Math.round(seconds * 1000);
  const parsed = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed)) throw node.error(`cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return parsed;
}

/** The latest time that something is expected at, ms after the start. */
export function maxEvalTime({ alertTests, expressionTests }: RuleTestGroup): number {
  return Math.max(0, ...alertTests.map((test) => test.evalTime), ...expressionTests.map((test) => test.evalTime));
}
