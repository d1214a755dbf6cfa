/** Alertmanager's own test tables. The scenarios that take real time are in `alertmanager-acceptance.ts`. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AlertMatcher,
  AlertStore,
  alertHash,
  allRoutes,
  canUpdate,
  encodeSilence,
  fingerprint,
  Inhibitor,
  loadAlertmanagerConfig,
  MatcherLexer,
  type MatcherMode,
  MatcherSyntax,
  matchRoutes,
  mergeAlerts,
  notificationReason,
  parseUtf8Matcher,
  periodContains,
  readIntegration,
  readTimePeriod,
  type Silence,
  type SilenceInput,
  Silences,
  type StoredAlert,
  type TimePeriod,
  validateSilence,
} from "@pharos/alertmanager";
import { parseYaml, silentLogger } from "@pharos/kit";
import { formatDuration, Labels, type MatchType, parseDuration } from "@pharos/model";
import type { Suite, SuiteResult } from "./suite.ts";

/** Counts cases; a case says what is wrong, or throws. */
class Cases {
  readonly failures: string[] = [];
  total = 0;

  check(label: string, got: unknown, want: unknown): void {
    this.total++;
    const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
    if (a !== b) this.failures.push(`${label}: got ${a}, want ${b}`);
  }

  /** `want` undefined: no error. Otherwise one of the texts must be in the message. */
  error(label: string, run: () => unknown, want: readonly string[] | undefined): void {
    this.total++;
    const message = errorOf(run);
    if (want === undefined ? message !== undefined : !want.some((text) => message?.includes(text)))
      this.failures.push(`${label}: got ${message ?? "no error"}, want ${want?.join(" or ") ?? "no error"}`);
  }

  get result(): SuiteResult {
    return { passed: this.total - this.failures.length, total: this.total, failures: this.failures };
  }
}

function errorOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function suite(
  name: string,
  data: string,
  run: (cases: Cases, read: <T>(file: string) => T, path: string) => void,
): Suite {
  return {
    name,
    data: `alertmanager/${data}`,
    run(path) {
      const cases = new Cases();
      run(cases, (file) => JSON.parse(readFileSync(join(path, file), "utf8")), path);
      return cases.result;
    },
  };
}

// Matchers

type Outcome = { matchers?: { string: string }[] | null; error?: string };
type ModeRow = { input: string } & Record<string, Outcome>;
interface PlainMatcher {
  name: string;
  op: MatchType;
  value: string;
}
interface ParserRow {
  name?: string;
  input: string;
  expected: PlainMatcher[] | PlainMatcher | null;
  error: string | null;
}
interface FallbackRow {
  name: string;
  input: string;
  err: string;
  expected: GoMatcher[] | GoMatcher | null;
}
interface GoMatcher {
  Name: string;
  Type: number;
  Value: string;
}

const MODES: Readonly<Record<string, MatcherMode>> = { classic: "classic", utf8: "utf8-strict", fallback: "fallback" };
const GO_TYPES: readonly MatchType[] = ["=", "!=", "=~", "!~"];
const TOKEN_KINDS = ["eof", "{", "}", ",", "=", "!=", "=~", "!~", "quoted", "unquoted"];

const shown = (list: readonly AlertMatcher[]) => list.map(({ name, type, value }) => [name, type, value]);
const plain = (list: readonly PlainMatcher[] | PlainMatcher | null) =>
  [list ?? []].flat().map(({ name, op, value }) => [name, op, value]);
const goPlain = (list: readonly GoMatcher[] | GoMatcher | null) =>
  [list ?? []].flat().map(({ Name, Type, Value }) => [Name, GO_TYPES[Type], Value]);

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

const matchers = suite("alertmanager-matchers", "matchers", (cases, read) => {
  for (const { input, ...outcomes } of read<ModeRow[]>("modes.json")) {
    for (const [key, want] of Object.entries(outcomes)) {
      const [count, mode] = key.split("_");
      const syntax = new MatcherSyntax(MODES[mode]);
      const got = outcome(() =>
        count === "list" ? syntax.matchers(input, "test").map(String).join(";") : String(syntax.matcher(input, "test")),
      );
      const expected = want.error ? `error: ${want.error}` : (want.matchers ?? []).map((one) => one.string).join(";");
      cases.check(`${key} ${JSON.stringify(input)}`, got, expected);
    }
  }
  for (const row of read<{ matcher: PlainMatcher; value: string; match: boolean }[]>("matching.json")) {
    const { name, op, value } = row.matcher;
    cases.check(`${op}${value}`, new AlertMatcher(op, name, value).matches(row.value), row.match);
  }
  for (const row of read<(PlainMatcher & { string: string })[]>("to-string.json"))
    cases.check(row.string, String(new AlertMatcher(row.op, row.name, row.value)), row.string);
  const parsers: [file: string, mode: MatcherMode, single: boolean][] = [
    ["utf8-parser.json", "utf8-strict", false],
    ["utf8-parser-single.json", "utf8-strict", true],
    ["classic-parser.json", "classic", false],
  ];
  for (const [file, mode, single] of parsers) {
    const syntax = new MatcherSyntax(mode);
    for (const row of read<ParserRow[]>(file)) {
      // That of one matcher takes braces; only the API before it does not.
      const got = outcome(() => shown(single ? [parseUtf8Matcher(row.input)] : syntax.matchers(row.input, "test")));
      cases.check(`${file} ${row.name ?? row.input}`, got, row.error ? `error: ${row.error}` : plain(row.expected));
    }
  }
  for (const row of read<(Omit<ParserRow, "error"> & { classic_error: string | null; utf8_differs_skip?: boolean })[]>(
    "compliance.json",
  )) {
    // Upstream runs the table through its newer parser, without the rows on which the two differ.
    const modes: MatcherMode[] = row.utf8_differs_skip ? ["classic"] : ["utf8-strict"];
    for (const mode of modes) {
      const syntax = new MatcherSyntax(mode);
      const label = `compliance ${mode} ${row.input}`;
      if (row.classic_error === null)
        cases.check(
          label,
          outcome(() => shown(syntax.matchers(row.input, "test"))),
          plain(row.expected),
        );
      else
        cases.error(label, () => syntax.matchers(row.input, "test"), mode === "classic" ? [row.classic_error] : [""]);
    }
  }
  const fallback = new MatcherSyntax("fallback");
  for (const row of read<FallbackRow[]>("fallback.json"))
    cases.check(
      `fallback ${row.name}`,
      outcome(() => shown(fallback.matchers(row.input, "test"))),
      row.err === "" ? goPlain(row.expected) : `error: ${row.err}`,
    );
  for (const row of read<FallbackRow[]>("fallback-single.json"))
    cases.check(
      `fallback single ${row.name}`,
      outcome(() => shown([fallback.matcher(row.input, "test")])),
      row.err === "" ? goPlain(row.expected) : `error: ${row.err}`,
    );
  const names =
    read<Record<"classic" | "utf8", { name: string; input: string; expected: boolean }[]>>("label-names.json");
  for (const [key, mode] of [
    ["classic", "classic"],
    ["utf8", "utf8-strict"],
  ] as const)
    for (const row of names[key])
      cases.check(`label name ${key} ${row.name}`, new MatcherSyntax(mode).isLabelName(row.input), row.expected);
  interface LexerRow {
    name: string;
    input: string;
    err: string;
    expected: { kind: number; value: string; position: { columnStart: number; columnEnd: number } }[] | null;
  }
  for (const row of read<LexerRow[]>("lexer.json")) {
    const lexer = new MatcherLexer(row.input);
    const got: unknown[] = [];
    let error = "";
    try {
      for (let token = lexer.scan(); token.kind !== "eof"; token = lexer.scan())
        got.push([token.kind, token.text, token.start, token.end]);
    } catch (caught) {
      error = (caught as Error).message;
    }
    const want = (row.expected ?? []).map(({ kind, value, position }) => [
      TOKEN_KINDS[kind],
      value,
      position.columnStart,
      position.columnEnd,
    ]);
    cases.check(`lexer ${row.name}`, [got, error], [want, row.err]);
  }
});

// Configuration

/** Tests of upstream that expect an error their table does not name, by test and text of the input. */
const UNNAMED_ERRORS: readonly [test: RegExp, input: RegExp, error: string][] = [
  [/TestReceiverLabelsNameConflict/, /./, 'receiver label "name" must match receiver name'],
  [/TestRouteLabelsInvalidLabelName/, /./, "in route labels"],
  [/TestRootRouteHasNoMatcher/, /./, "root route must not have any matchers"],
  [/TestSNS/, /topic_arn: topic\n(target_arn|phone_number)/, "must provide either a Target ARN"],
  [/TestSNS/, /^sigv4/, "must provide either a Target ARN"],
  [/TestSNS/, /topic_arn: topic\nsigv4/, "must provide a AWS SigV4 Access key and Secret Key"],
  [/TestOpsGenieConfiguration/, /api_key_file/, "at most one of api_key & api_key_file"],
  [/TestOpsGenieConfiguration/, /type: wrong/, "type does not match valid options"],
  [/TestOpsGenieConfiguration/, /- type: schedule/, "has to have at least one of id, username or name"],
  [/TestOpsGenieConfiguration/, /invalid comment/, "type contains invalid template syntax"],
];

/** Tests whose table names the errors of several inputs: which input has which. */
const NAMED_FOR_SEVERAL: readonly [test: RegExp, input: RegExp, error: string | undefined][] = [
  [/TestVictorOpsConfiguration/, /routing_key: test\napi_key_file/, undefined],
  [/TestVictorOpsCustomFieldsValidation/, /my_special_field/, undefined],
  [/TestPagerDutySource/, /./, undefined],
];

const TYPE_OF_TEST: readonly [test: RegExp, type: string][] = [
  [/Slack/, "slack"], [/Webex/, "webex"], [/Email/, "email"], [/SNS/, "sns"], [/Mattermost/, "mattermost"], [/OpsGenie/, "opsgenie"],
  [/Pager[dD]uty/, "pagerduty"], [/Telegram/, "telegram"], [/Pushover/, "pushover"], [/VictorOps/, "victorops"], [/Webhook/, "webhook"],
]; // biome-ignore format: a table

interface InlineCase {
  source: string;
  kind: "config" | "fragment" | "table-row";
  yaml: string;
  errors_in_test: string[] | null;
}

/** What the value in question stands in, for rows that are not a whole block. */
function inlineRun(test: string, yaml: string): () => unknown {
  // Upstream looks at names of labels in the mode that its test has set: in the default one "-invalid-" is a name.
  if (/TestGroupByInvalidLabel|TestRouteLabelsInvalidLabelName/.test(test))
    return () => loadAlertmanagerConfig(yaml, { file: "", syntax: new MatcherSyntax("classic") });
  if (/TestUnmarshalHostPort/.test(test)) return () => readIntegration("email", `{to: a@b.c, smarthost: ${yaml}}`);
  if (/TestSecretTemplURL/.test(test))
    return () => readIntegration("webhook", `{url: ${yaml}, url_file: ${yaml === '""' ? "x" : '""'}}`);
  if (/TestMattermostField/.test(test))
    return () => readIntegration("mattermost", `fields:\n- ${yaml.trim().split("\n").join("\n  ")}`);
  const type = TYPE_OF_TEST.find(([pattern]) => pattern.test(test))?.[1];
  if (!type || /RootRoute/.test(test)) return () => loadAlertmanagerConfig(yaml, { file: "" });
  return () => readIntegration(type, yaml);
}

function inlineErrors({ source, yaml, errors_in_test: named }: InlineCase): readonly string[] | undefined {
  const test = source.split("#")[1];
  const special = NAMED_FOR_SEVERAL.find(([pattern, input]) => pattern.test(test) && input.test(yaml));
  if (special) return special[2] === undefined ? undefined : [special[2]];
  const unnamed = UNNAMED_ERRORS.find(([pattern, input]) => pattern.test(test) && input.test(yaml));
  if (unnamed) return [unnamed[2]];
  if (/TestUnmarshalHostPort/.test(test))
    return yaml === '"localhost"' ? ["missing port"] : yaml === '"localhost:"' ? ["port cannot be empty"] : undefined;
  if (/TestSecretTemplURL/.test(test)) {
    if (/ftp:|"example.com/.test(yaml)) return ["unsupported scheme"];
    return /\.Invalid"/.test(yaml) ? ["invalid template syntax"] : undefined;
  }
  return named?.map((text) => text.replaceAll('\\"', '"'));
}

const config = suite("alertmanager-config", "config", (cases, read, path) => {
  const expected = read<Record<string, { error_contains: string[] | null; valid: boolean }>>("testdata-expected.json");
  for (const [file, { error_contains: errors, valid }] of Object.entries(expected)) {
    const text = readFileSync(join(path, file), "utf8");
    // The table has this one as valid; amtool refuses it, as upstream's test wants.
    const isOldTeam = file.endsWith("old-team.yml");
    const want = isOldTeam ? ["field teams not found in type"] : valid ? undefined : (errors ?? [""]);
    cases.error(file, () => loadAlertmanagerConfig(text, { file: join(path, file), withoutTemplates: true }), want);
  }
  for (const item of read<InlineCase[]>("inline-cases.json"))
    cases.error(
      `${item.source} ${item.yaml.slice(0, 60)}`,
      inlineRun(item.source.split("#")[1], item.yaml),
      inlineErrors(item),
    );
  for (const row of read<{ input: string; nanoseconds?: string; string?: string; error?: string }[]>(
    "duration-cases.json",
  )) {
    if (row.error) cases.error(`duration ${row.input}`, () => parseDuration(row.input), [row.error, ""]);
    else {
      cases.check(`duration ${row.input}`, parseDuration(row.input) * 1e6, Number(row.nanoseconds));
      cases.check(`duration ${row.input} written`, formatDuration(parseDuration(row.input)), row.string);
    }
  }
});

// Routes

interface RouteTable {
  route_yaml: string;
  cases: {
    labels: Record<string, string>;
    matches: {
      receiver: string;
      group_by: string[];
      group_by_all: boolean;
      group_wait: string;
      group_interval: string;
      repeat_interval: string;
    }[];
    route_keys: string[];
  }[];
}

/** A routing tree stands in a file of its own here: its receivers are made up around it. */
function loadRoutes(yaml: string) {
  const names = [...new Set([...yaml.matchAll(/receiver:\s*['"]?([\w-]+)/g)].map(([, name]) => name))];
  const receivers = names.map((name) => `- name: ${name}`).join("\n");
  const indented = yaml
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
  const hasReceiver = /^receiver:/m.test(yaml);
  return loadAlertmanagerConfig(
    `route:\n${hasReceiver ? "" : "  receiver: default\n"}${indented}\nreceivers:\n${receivers}\n${hasReceiver ? "" : "- name: default\n"}`,
    { file: "" },
  ).route;
}

const routes = suite("alertmanager-routes", "routes", (cases, read) => {
  const tables = read<RouteTable | RouteTable[]>("match.json");
  for (const { route_yaml: yaml, cases: rows } of [tables].flat()) {
    const root = loadRoutes(yaml);
    for (const { labels, matches, route_keys: keys } of rows) {
      const found = matchRoutes(root, Labels.from(labels));
      const got = found.map(({ receiver, groupBy, groupWait, groupInterval, repeatInterval }) => ({
        receiver,
        group_by: [...(groupBy ?? [])].sort(),
        group_by_all: groupBy === undefined,
        group_wait: groupWait,
        group_interval: groupInterval,
        repeat_interval: repeatInterval,
      }));
      const want = matches.map((match) => ({
        ...match,
        group_by: match.group_by_all ? [] : match.group_by,
        group_wait: parseDuration(match.group_wait),
        group_interval: parseDuration(match.group_interval),
        repeat_interval: parseDuration(match.repeat_interval),
      }));
      cases.check(`match ${JSON.stringify(labels)}`, got, want);
      cases.check(
        `keys ${JSON.stringify(labels)}`,
        found.map(({ key }) => key),
        keys,
      );
    }
  }
  const ids = read<{ route_yaml: string; ids_any_order: string[] }>("ids.json");
  cases.check(
    "ids",
    [...allRoutes(loadRoutes(ids.route_yaml))].map(({ id }) => id).sort(),
    [...ids.ids_any_order].sort(),
  );
});

// Inhibition

type LabelMap = Record<string, string>;
interface InhibitTable {
  name: string;
  rules?: { source: LabelMap; target: LabelMap; equal: string[] }[];
  active_alerts?: LabelMap[];
  cases?: {
    target: LabelMap;
    muted: boolean;
    why?: string;
    sources?: { labels: LabelMap; ends_in_s: number | null }[];
    equal?: string[];
  }[];
  steps?: { alerts: LabelMap[]; expect: [LabelMap, boolean][] }[];
}

const equalities = (map: LabelMap) => Object.entries(map).map(([name, value]) => new AlertMatcher("=", name, value));
const ruleOf = ({ source, target, equal }: { source: LabelMap; target: LabelMap; equal: string[] }) => ({
  name: "",
  source: equalities(source),
  target: equalities(target),
  equal,
});

function alertOf(labels: LabelMap, endsAt: number, updatedAt = 1_000_000): StoredAlert {
  return {
    labels: Labels.from(labels),
    annotations: Labels.empty,
    startsAt: 1,
    endsAt,
    updatedAt,
    generatorURL: "",
    timeout: false,
  };
}

const inhibit = suite("alertmanager-inhibit", "inhibit", (cases, read) => {
  const now = 1_000_000;
  for (const table of read<InhibitTable[]>("rules.json")) {
    for (const { target, muted, sources, equal, why } of table.cases ?? []) {
      const alerts = new AlertStore();
      // Tables without rules ask about sources that match already: only the target carries the mark.
      const mark = new AlertMatcher("=", "is_target", "yes");
      const rules = table.rules?.map(ruleOf) ?? [{ name: "", source: [], target: [mark], equal: equal ?? [] }];
      const inhibitor = new Inhibitor(rules, alerts);
      for (const labels of table.active_alerts ?? []) alerts.put([alertOf(labels, now + 60_000)]);
      for (const source of sources ?? []) {
        const endsAt = source.ends_in_s === null ? now + 60_000 : now + source.ends_in_s * 1000;
        alerts.put([alertOf(source.labels, endsAt)]);
      }
      const labels = table.rules ? target : { ...target, is_target: "yes" };
      const got = inhibitor.inhibition(Labels.from(labels), now) !== undefined;
      cases.check(`${table.name}: ${JSON.stringify(target)} ${why ?? ""}`, got, muted);
    }
    const alerts = new AlertStore();
    const inhibitor = new Inhibitor(table.rules?.map(ruleOf) ?? [], alerts);
    for (const { alerts: list, expect } of table.steps ?? []) {
      for (const { _resolved: resolved, ...labels } of list as (LabelMap & { _resolved?: unknown })[])
        alerts.put([alertOf(labels as LabelMap, resolved ? now - 1 : now + 60_000)]);
      for (const [labels, muted] of expect)
        cases.check(
          `${table.name}: ${JSON.stringify(labels)}`,
          inhibitor.inhibition(Labels.from(labels), now) !== undefined,
          muted,
        );
    }
  }
});

// Time intervals

interface GoRange {
  InclusiveRange: { Begin: number; End: number };
}
interface GoInterval {
  Times: { StartMinute: number; EndMinute: number }[] | null;
  Weekdays: GoRange[] | null;
  DaysOfMonth: GoRange[] | null;
  Months: GoRange[] | null;
  Years: GoRange[] | null;
  Location: { Location: string } | null;
}

const inclusive = (list: GoRange[] | null) =>
  (list ?? []).map(({ InclusiveRange: range }) => ({ begin: range.Begin, end: range.End }));

function periodOf(interval: GoInterval): TimePeriod {
  return {
    times: (interval.Times ?? []).map(({ StartMinute, EndMinute }) => ({ begin: StartMinute, end: EndMinute })),
    weekdays: inclusive(interval.Weekdays),
    daysOfMonth: inclusive(interval.DaysOfMonth),
    months: inclusive(interval.Months),
    years: inclusive(interval.Years),
    location: interval.Location?.Location ?? "",
  };
}

/** `02 Jan 06 15:04 -0700`. */
function goMoment(text: string): number {
  const match = /^(\d\d) (\w{3}) (\d\d) (\d\d:\d\d) ([+-]\d\d)(\d\d)$/.exec(text);
  if (!match) return Date.parse(text);
  const [, day, month, year, time, hours, minutes] = match;
  return Date.parse(`${day} ${month} 20${year} ${time}:00 GMT${hours}${minutes}`);
}

/** What a list of YAML errors says, without the line. */
const lastLine = (error: string) =>
  error
    .split("\n")
    .at(-1)!
    .replace(/^ *line \d+: /, "");

const readPeriod = (yaml: string) => readTimePeriod(parseYaml(yaml.replace(/^\s*---/, "")));
const readPeriods = (yaml: string) =>
  parseYaml(yaml.replace(/^\s*---/, ""))
    .items()
    .map(readTimePeriod);

const timeInterval = suite("alertmanager-timeinterval", "timeinterval", (cases, read) => {
  for (const [i, row] of read<{ timeInterval: GoInterval; validTimeStrings: string[]; invalidTimeStrings: string[] }[]>(
    "contains.json",
  ).entries()) {
    const period = periodOf(row.timeInterval);
    for (const text of row.validTimeStrings ?? [])
      cases.check(`contains ${i} ${text}`, periodContains(period, goMoment(text)), true);
    for (const text of row.invalidTimeStrings ?? [])
      cases.check(`contains ${i} ${text}`, periodContains(period, goMoment(text)), false);
  }
  interface YamlRow {
    in: string;
    contains: string[] | null;
    excludes: string[] | null;
    expectError?: boolean;
    err?: string;
    intervals?: GoInterval[] | null;
  }
  for (const row of read<YamlRow[]>("yaml.json")) {
    if (row.expectError) {
      cases.error(`yaml ${row.in}`, () => readPeriods(row.in), [row.err ?? ""]);
      continue;
    }
    let periods: TimePeriod[] = [];
    cases.error(`yaml ${row.in}`, () => (periods = readPeriods(row.in)), undefined);
    if (row.intervals) cases.check(`yaml ${row.in}`, periods, row.intervals.map(periodOf));
    for (const text of row.contains ?? [])
      cases.check(
        `yaml contains ${text}`,
        periods.every((period) => periodContains(period, goMoment(text))),
        true,
      );
    for (const text of row.excludes ?? [])
      cases.check(
        `yaml excludes ${text}`,
        periods.every((period) => periodContains(period, goMoment(text))),
        false,
      );
  }
  for (const row of read<YamlRow[]>("end-to-end.json")) {
    const period = readPeriod(row.in);
    for (const text of row.contains ?? [])
      cases.check(`end to end contains ${text}`, periodContains(period, goMoment(text)), true);
    for (const text of row.excludes ?? [])
      cases.check(`end to end excludes ${text}`, periodContains(period, goMoment(text)), false);
  }
  for (const row of read<
    { timeString: string; expectError: boolean; TimeRange: { StartMinute: number; EndMinute: number } }[]
  >("time-range-yaml.json")) {
    const run = () => readPeriod(`times: [${row.timeString}]`);
    if (row.expectError) cases.error(row.timeString, run, [""]);
    else cases.check(row.timeString, run().times, [{ begin: row.TimeRange.StartMinute, end: row.TimeRange.EndMinute }]);
  }
  const intervener = read<{
    time_intervals: Record<string, unknown[]>;
    cases: { name: string; now: string; muted_by: string[] | null }[];
  }>("intervener.json");
  const named = Object.entries(intervener.time_intervals).map(([name, list]) => ({
    name,
    periods: list.map((one) => readTimePeriod(parseYaml(JSON.stringify(one)))),
  }));
  for (const { name, now, muted_by: mutedBy } of intervener.cases) {
    const got = named
      .filter(({ periods }) => periods.some((period) => periodContains(period, Date.parse(now))))
      .map((one) => one.name);
    cases.check(name, got.sort(), [...(mutedBy ?? [])].sort());
  }
  for (const row of read<{ yaml: string; error?: string; checks?: { time: string; contains: boolean }[] }[]>(
    "oracle-cases.json",
  )) {
    if (row.error) cases.error(row.yaml, () => readPeriod(row.yaml), [lastLine(row.error)]);
    else
      for (const { time, contains } of row.checks ?? [])
        cases.check(`${row.yaml} ${time}`, periodContains(readPeriod(row.yaml), Date.parse(time)), contains);
  }
});

// Silences

interface TestMatcher {
  name: string;
  op: MatchType;
  value: string;
}
const silenceMatcher = ({ name, op, value }: TestMatcher) => ({
  name,
  value,
  isRegex: op.endsWith("~"),
  isEqual: op.startsWith("="),
});

function inFolder<T>(run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "pharos-conformance-"));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface SetStep {
  t: number;
  set: {
    id?: string;
    matchers?: TestMatcher[];
    starts?: number | null;
    ends?: number;
    comment?: string;
    same?: boolean;
  };
  result: string;
  state?: Record<string, { starts?: number; ends?: number; updated?: number }>;
}

function runSetSequence(cases: Cases, steps: readonly SetStep[], retention: number): void {
  inFolder((folder) => {
    // A second is a million milliseconds here, so that the clock of the test never is 0.
    const base = 1_700_000_000_000;
    let now = base;
    const silences = new Silences({
      path: join(folder, "silences"),
      retention: retention * 1000,
      now: () => now,
      log: silentLogger,
    });
    const ids = new Map<string, string>();
    for (const { t, set, result, state } of steps) {
      now = base + t * 1000;
      const old = set.id === undefined ? undefined : silences.get(ids.get(set.id)!);
      const at = (seconds: number | null | undefined, fallback: number | undefined) =>
        seconds === undefined ? fallback : seconds === null ? undefined : base + seconds * 1000;
      const input: SilenceInput = {
        id: old?.id ?? "",
        matcherSets: set.matchers ? [set.matchers.map(silenceMatcher)] : (old?.matcherSets ?? []),
        startsAt: at(set.starts, old?.startsAt),
        endsAt: at(set.ends, old?.endsAt),
        createdBy: "",
        comment: set.comment ?? old?.comment ?? "",
      };
      const id = silences.set(input)!;
      const isKept = /kept/.test(result);
      cases.check(`set at ${t}: ${result}`, id === old?.id, isKept);
      const name = /(?:new id|id) (\w)/.exec(result)?.[1];
      if (name) ids.set(name, id);
      for (const [key, want] of Object.entries(state ?? {})) {
        const silence = silences.get(ids.get(key)!)!;
        if (want.starts !== undefined)
          cases.check(`${key} starts at ${t}`, (silence.startsAt - base) / 1000, want.starts);
        if (want.ends !== undefined) cases.check(`${key} ends at ${t}`, (silence.endsAt - base) / 1000, want.ends);
        if (want.updated !== undefined)
          cases.check(`${key} updated at ${t}`, (silence.updatedAt - base) / 1000, want.updated);
      }
    }
    silences[Symbol.dispose]();
  });
}

/** Two replicas with the given silences, and what the first knows when the second has told it all. */
function runMerge(cases: Cases, offsets: Record<"a" | "b" | "final", Record<string, [number, number]>>): void {
  inFolder((folder) => {
    const now = 1_700_000_000_000;
    let clock = now;
    const make = (name: string) =>
      new Silences({ path: join(folder, name), retention: 0, now: () => clock, log: silentLogger });
    const encoded = (table: Record<string, [number, number]>) =>
      Object.entries(table).map(([id, [updated, expires]]) => {
        const silence: Silence = {
          id, matcherSets: [[{ name: "a", value: "b", isRegex: false, isEqual: true }]], receiverMatcherSets: [], startsAt: now - 1000,
          endsAt: now + expires * 1000, updatedAt: now + updated * 1000, createdBy: "", comment: "", annotations: {},
        }; // biome-ignore format: a table
        return encodeSilence({ silence, expiresAt: now + expires * 1000 });
      });
    const silences = make("a");
    // What a replica knows itself was in time when it came to know it.
    clock = now - 3_600_000;
    for (const entry of encoded(offsets.a)) silences.merge(entry);
    clock = now;
    for (const entry of encoded(offsets.b)) silences.merge(entry);
    const known = silences
      .all()
      .map(({ id, updatedAt, endsAt }) => [id, [(updatedAt - now) / 1000, (endsAt - now) / 1000]]);
    const sorted = (entries: unknown[][]) => entries.sort(([x], [y]) => (String(x) < String(y) ? -1 : 1));
    cases.check("merge", sorted(known), sorted(Object.entries(offsets.final)));
    silences[Symbol.dispose]();
  });
}

const silenceSuite = suite("alertmanager-silences", "silences", (cases, read) => {
  const now = 1_700_000_000_000;
  const offset = (pair: [number, number]) => ({ startsAt: now + pair[0] * 1000, endsAt: now + pair[1] * 1000 });
  const sets = [[{ name: "a", value: "b", isRegex: false, isEqual: true }]];
  const base = {
    id: "x",
    matcherSets: sets,
    receiverMatcherSets: [],
    updatedAt: 0,
    createdBy: "",
    comment: "",
    annotations: {},
  };
  for (const { old, new: next, ok } of read<{
    cases: { old: [number, number] | string; new: [number, number]; ok: boolean }[];
  }>("can-update.json").cases) {
    const before: Silence =
      typeof old === "string" ? { ...base, matcherSets: [], startsAt: 0, endsAt: 0 } : { ...base, ...offset(old) };
    cases.check(
      `update ${JSON.stringify(old)} to ${next}`,
      canUpdate(before, { matcherSets: sets, ...offset(next) }, now),
      ok,
    );
  }
  interface ValidateCase {
    matcher_sets: TestMatcher[][];
    starts: number | null;
    ends: number | null;
    error: string | null;
    note?: string;
  }
  for (const row of read<{ cases: ValidateCase[] }>("validate.json").cases) {
    const at = (seconds: number | null) => (seconds === null ? undefined : now + seconds * 1000);
    const input: SilenceInput = {
      id: "",
      matcherSets: row.matcher_sets.map((set) => set.map(silenceMatcher)),
      startsAt: at(row.starts),
      endsAt: at(row.ends),
      createdBy: "",
      comment: "",
    };
    const syntax = new MatcherSyntax(row.note?.includes("classic mode only") ? "classic" : "fallback");
    cases.error(
      `validate ${JSON.stringify(row)}`,
      () => validateSilence(input, syntax),
      row.error === null ? undefined : [row.error],
    );
  }
  const sequence = read<{ steps: SetStep[]; retention_s: number }>("set-sequence.json");
  runSetSequence(cases, sequence.steps, sequence.retention_s);
  runMerge(
    cases,
    read<{ offsets_s: Record<"a" | "b" | "final", Record<string, [number, number]>> }>("merge.json").offsets_s,
  );
});

// Dispatch

interface DedupCase {
  entry: { firing?: number[]; resolved?: number[]; age_s?: number | string } | null;
  firing?: number[];
  resolved?: number[];
  update: boolean;
  reason?: string;
  send_resolved?: boolean;
  resolve?: boolean;
  repeat_s?: number;
}

const dispatch = suite("alertmanager-dispatch", "dispatch", (cases, read) => {
  const big = (list: number[] | undefined) => (list ?? []).map(BigInt);
  const now = 1_700_000_000_000;
  for (const row of read<{ cases: DedupCase[] }>("dedup-needs-update.json").cases) {
    const { entry } = row;
    const age = entry?.age_s;
    const timestamp = age === "epoch" ? 0 : age === "now" || age === undefined ? now : now - Number(age) * 1000;
    const got = notificationReason(
      entry ? { firing: big(entry.firing), resolved: big(entry.resolved), timestamp } : undefined,
      { firing: big(row.firing), resolved: big(row.resolved) },
      { sendResolved: row.send_resolved ?? row.resolve ?? true, repeatInterval: (row.repeat_s ?? 600) * 1000, now },
    );
    cases.check(JSON.stringify(row), got ?? "none", row.update ? row.reason : "none");
  }
  type Times = Record<"starts" | "ends" | "updated", number> & { timeout: boolean };
  const alert = ({ starts, ends, updated, timeout }: Times): StoredAlert => ({
    ...alertOf({ a: "b" }, now + ends * 60_000, now + updated * 60_000),
    startsAt: now + starts * 60_000,
    timeout,
  });
  for (const { a, b, merged } of read<{ cases: Record<"a" | "b" | "merged", Times>[] }>("alert-merge.json").cases) {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ])
      cases.check(JSON.stringify([x, y]), mergeAlerts(alert(x), alert(y)), alert(merged));
  }
  interface Fingerprint {
    labels: LabelMap;
    fingerprint: string;
    nflog_alert_hash_xxh64: string;
  }
  for (const row of read<Fingerprint[]>("fingerprints.json")) {
    // Values that are empty are no labels here; the table has them as upstream's type would hold them.
    const names = Object.keys(row.labels).sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    const labels = Labels.fromSortedPairs(names.flatMap((name) => [name, row.labels[name]]));
    cases.check(`fingerprint ${JSON.stringify(row.labels)}`, fingerprint(labels), row.fingerprint);
    cases.check(`hash ${JSON.stringify(row.labels)}`, String(alertHash(labels)), row.nflog_alert_hash_xxh64);
  }
});

export const suites: Suite[] = [matchers, config, routes, inhibit, timeInterval, silenceSuite, dispatch];
