/**
 * The same lines given to amtool and to `pharos am`, and to amtool with Pharos as the server: what they print and their exit codes
 * must be the same.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { runAm } from "../../packages/pharos/src/am/cli.ts";
import type { SuiteResult } from "../suite.ts";
import { peersFolder, RealAlertmanager } from "./real.ts";

interface Outcome {
  code: number;
  out: string;
  errors: string;
}

const CONFIG = `global: {resolve_timeout: 5m}
route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: [team="x"]
    receiver: team-x
    continue: true
    routes:
    - matchers: ['severity=~"critical|page"']
      receiver: team-x-pager
  - matchers: ['team=~"x|y"', env!="dev"]
    receiver: team-y
  - receiver: last
    matchers: [owner=""]
    active_time_intervals: [work]
time_intervals: [{name: work, time_intervals: [{weekdays: ['monday:friday']}]}]
receivers: [{name: default}, {name: team-x}, {name: team-x-pager}, {name: team-y}, {name: last}]
templates: []
`;
const BAD_CONFIG = "route: {receiver: nobody}\nreceivers: [{name: default}]\n";
const TEMPLATE = `{{ define "t" }}{{ .Status | toUpper }} {{ range .Alerts }}{{ .Labels.alertname }}={{ .Annotations.a }};{{ end }}{{ end }}`;
const TEMPLATE_DATA = JSON.stringify({
  receiver: "r",
  status: "firing",
  alerts: [
    { status: "firing", labels: { alertname: "A" }, annotations: { a: "b" }, startsAt: "2020-01-01T00:00:00Z", endsAt: "0001-01-01T00:00:00Z" },
  ],
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: "http://x",
}); // biome-ignore format: one line an object

/** In order: later ones see what earlier ones made. `FILE/` is the folder of the files; `$ID` what `silence query -q` answers. */
const LINES: readonly string[] = [
  "alert",
  "alert query -o extended",
  "alert add foo node=bar severity=critical",
  "alert add alertname=web team=x --annotation=runbook=http://b --annotation=note=hi",
  "alert add web team=y env=prod --start=2020-01-01T00:00:00Z --generator-url=http://g/x",
  "alert add gone team=y --start=2020-01-01T00:00:00Z --end=2020-01-02T00:00:00Z",
  "alert add",
  "alert add foo bar",
  "alert add foo bad-label=x",
  "alert add foo --annotation=nope",
  "alert",
  "alert query",
  "alert query foo",
  "alert query alertname=foo",
  "alert query team=~x|y",
  "alert query alertname!=foo -o extended",
  "alert query web team=x -o extended",
  "alert query -o json",
  "alert query -r team-y",
  "alert query --receiver=team-.*",
  "alert query -s",
  "alert query -i",
  "alert query -u",
  "alert query -a",
  "alert query nothing=here",
  "alert query 'a=[' ",
  "silence",
  "silence add",
  "silence add foo",
  "silence add foo -c why",
  "silence add team=x -c two --author=me -d 2h",
  "silence add team=~x|y env!=dev node!~a.* --comment=regex --author=me --duration=1d",
  "silence add foo -c bad --duration=nope",
  "silence add foo -c bad --start=2030-01-01T00:00:00Z --end=2029-01-01T00:00:00Z",
  "silence add foo -c bad --end=nope",
  "silence add foo -c window --author=me --start=2090-01-01T00:00:00Z --end=2090-01-02T00:00:00Z",
  "silence add a=~.* -c empty",
  "silence add foo --no-require-comment --author=me",
  "silence",
  "silence query -o extended",
  "silence query -o json",
  "silence query -q foo",
  "silence query foo",
  "silence query team=x",
  "silence query team=~x.*",
  "silence query --created-by=me",
  "silence query --id=00000000-0000-0000-0000-000000000000",
  "silence query --within=3h",
  "silence query --expired",
  "silence query --expired --within=1h",
  "alert query -s",
  "alert query -s -o extended",
  "alert query",
  "silence expire",
  "silence expire 00000000-0000-0000-0000-000000000000",
  "silence update",
  "silence update 00000000-0000-0000-0000-000000000000 -d 1h",
  "silence update $ID -d 3h -c changed",
  "silence query",
  "silence expire $ID",
  "silence query --expired",
  "silence query -q",
  "silence import FILE/silences.json",
  "silence import FILE/bad-silences.json",
  "silence import --force FILE/silences.json",
  "silence query --created-by=importer",
  "config",
  "config show -o json",
  "config show -o extended",
  "config routes",
  "config routes show --config.file=FILE/config.yml",
  "config routes test team=x",
  "config routes test team=x severity=page",
  "config routes test team=y env=prod",
  "config routes test owner=me",
  "config routes test --verify.receivers=default owner=me",
  "config routes test --verify.receivers=team-x owner=me",
  "config routes test --config.file=FILE/config.yml --verify.receivers=team-x,team-y team=x env=prod",
  "config routes test --config.file=FILE/config.yml --verify.receivers=team-x,team-y --tree team=x env=prod",
  "config routes test --config.file=FILE/config.yml --tree",
  "config routes test --config.file=FILE/none.yml team=x",
  "config routes test --config.file=FILE/bad.yml team=x",
  "config routes test bad",
  "check-config FILE/config.yml",
  "check-config FILE/bad.yml",
  "check-config FILE/config.yml FILE/bad.yml",
  "check-config FILE/none.yml",
  `template render --template.glob=FILE/*.tmpl --template.text='{{ template "t" . }}' --template.data=FILE/data.json`,
  "template render --template.glob=FILE/*.tmpl --template.text='{{ len .Alerts }} {{ .Receiver }}'",
  "template render --template.glob=FILE/*.tmpl --template.text='{{ .Nope'",
  "template render --template.glob=FILE/*.tmpl --template.text='{{ \"<b>\" }}' --template.type=html",
  "template render --template.glob=FILE/*.tmpl",
  "--alertmanager.url=http://127.0.0.1:1 alert",
];

function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/gu)].map(([word]) => word.replaceAll("'", ""));
}

function runAmtool(argv: string[], home: string): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      join(peersFolder()!, "amtool"),
      argv,
      { env: { HOME: home, USER: "tester", TZ: "UTC" } },
      (error, out, errors) => resolve({ code: error ? Number(error.code) : 0, out, errors }),
    );
  });
}

async function runPharos(argv: string[]): Promise<Outcome> {
  let out = "";
  let errors = "";
  try {
    const code = await runAm(argv, { write: (text) => (out += text), warn: (text) => (errors += text) });
    return { code, out, errors };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: 1, out, errors: error.message };
  }
}

/** Of these the exit code only: Pharos shows the configuration as it was written, the real one with defaults filled in. */
const SHOWS_CONFIG = /^config( show.*)?$/u;

/** JSON with sorted keys; text as it is. */
function inOneOrder(text: string): string {
  if (!/^[[{]/u.test(text)) return text;
  return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Without what differs from run to run (ids, times, ports, folders) and without the place of a mistake, which amtool lacks. */
function normal(text: string, home: string): string {
  return inOneOrder(text)
    .replaceAll(home, "FILE")
    .replaceAll(/FAILED: FILE\/bad.yml:\d+:\d+ \w+: /gu, "FAILED: ")
    .replaceAll(/127\.0\.0\.1:(?!1\b)\d+/gu, "SERVER")
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gu, "ID")
    .replaceAll(/20(?:2[5-9]|3)\d*-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)/gu, "TIME")
    .replaceAll(/ +$/gmu, "")
    .split("\n")
    .toSorted()
    .join("\n");
}

export async function compareAmtool(): Promise<SuiteResult> {
  const home = mkdtempSync(join(tmpdir(), "pharos-amtool-"));
  const failures: string[] = [];
  try {
    writeFileSync(join(home, "config.yml"), CONFIG);
    writeFileSync(join(home, "bad.yml"), BAD_CONFIG);
    writeFileSync(join(home, "t.tmpl"), TEMPLATE);
    writeFileSync(join(home, "data.json"), TEMPLATE_DATA);
    const silence = {
      matchers: [{ name: "a", value: "b", isRegex: false, isEqual: true }],
      startsAt: "2091-01-01T00:00:00Z", endsAt: "2091-01-02T00:00:00Z", createdBy: "importer", comment: "c",
    }; // biome-ignore format: short
    writeFileSync(join(home, "silences.json"), JSON.stringify([silence, { ...silence, comment: "d" }]));
    writeFileSync(join(home, "bad-silences.json"), JSON.stringify([{ ...silence, matchers: [] }]));
    const flags = ["--no-version-check"];
    const configFile = join(home, "config.yml");
    await using real = await RealAlertmanager.start({ configFile, storageDir: join(home, "real") });
    const startPharos = (name: string) =>
      createAlertmanager({
        configFile,
        storageDir: join(home, name),
        listen: { host: "127.0.0.1", port: 0 },
        log: silentLogger,
      });
    await using pharos = await startPharos("pharos");
    await using forAmtool = await startPharos("for-amtool");
    const same = { HOME: process.env.HOME, USER: process.env.USER, TZ: process.env.TZ };
    Object.assign(process.env, { HOME: home, USER: "tester", TZ: "UTC" });
    try {
      for (const line of LINES) {
        const [theirs, ...ours] = await Promise.all(
          [
            { run: runAmtool, url: real.url },
            { run: runPharos, url: pharos.url },
            { run: runAmtool, url: forAmtool.url },
          ].map(async ({ run, url }) => {
            const ids = line.includes("$ID")
              ? (await run(["silence", "query", "-q", "team=x", `--alertmanager.url=${url}`, ...flags], home)).out
              : "";
            const argv = wordsOf(
              line.replaceAll("FILE/", `${home}/`).replaceAll("$ID", ids.trim().replaceAll("\n", " ")),
            );
            const target = line.includes("--alertmanager.url") ? [] : [`--alertmanager.url=${url}`];
            return run([...argv, ...target, ...flags], home);
          }),
        );
        for (const [i, { code, out, errors }] of ours.entries()) {
          const what = `${i === 0 ? "pharos am" : "amtool on Pharos"} ${line}`;
          if (theirs.code !== code) failures.push(`${what}: exit code ${code}, not ${theirs.code}: ${errors || out}`);
          else if (!SHOWS_CONFIG.test(line) && normal(theirs.out, home) !== normal(out, home))
            failures.push(`${what}: printed\n${out}instead of\n${theirs.out}${theirs.errors}`);
        }
        if (line.startsWith("alert add")) await sleep(100);
      }
    } finally {
      for (const [name, value] of Object.entries(same))
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const total = LINES.length * 2;
  return { passed: total - failures.length, total, failures };
}
