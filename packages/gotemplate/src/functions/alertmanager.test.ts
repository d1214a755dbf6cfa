import { describe, expect, test } from "vitest";
import { Template } from "../template.ts";
import { Moment } from "../time/moment.ts";
import { alertmanagerFunctions } from "./alertmanager.ts";
import { alertmanagerData } from "./alertmanager-data.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const data = alertmanagerData({
  receiver: "team\\-x",
  status: "firing",
  alerts: [
    { status: "firing", labels: { job: "node", alertname: "Up" }, startsAt: Moment.fromMillis(NOW - 90_000) },
    { status: "resolved", labels: { job: "db", alertname: "Up" }, annotations: {} },
  ],
  groupLabels: { alertname: "Up" },
  commonLabels: { zone: "b", alertname: "Up", cluster: "a" },
  routeLabels: { team: "x" },
  externalURL: "http://am:9093",
});

const funcs = alertmanagerFunctions({ now: () => NOW, routeLabel: (name) => `<${name}>` });
const run = (text: string): string => new Template("", { funcs, missingKey: "zero" }).parse(text).execute(data);

describe("functions", () => {
  test.each([
    ['{{ toUpper "aß" }}{{ toLower "ÀΣ" }}', "Aßàσ"],
    ['{{ title "hello WORLD it\'s 3rd" }}', "Hello World It's 3Rd"],
    ['[{{ trimSpace "\\u00a0\\t a b \\u2003\\n" }}]', "[a b]"],
    ['{{ stringSlice "a" "b" | join "-" }}{{ stringSlice }}', "a-b[]"],
    ['{{ match "^a+$" "aaa" }}{{ reReplaceAll "(?P<x>a)" "<${x}>" "ba" }}', "trueb<a>"],
    ['{{ urlUnescape "a%20b+c%c3%a9" }}', "a b cé"],
    ['{{ base64encode "é>?" }} {{ base64decode "w6k-Pw==" }}', "w6k-Pw== é>?"],
    ["{{ now.Unix }} {{ (index .Alerts 0).StartsAt | since | humanizeDuration }}", "1767323045 1m 30s"],
    [
      '{{ toDate "2006-01-02" "2026-05-06" | tz "Europe/Paris" | date "Jan 2 15:04 -0700 MST" }}',
      "May 6 02:00 +0200 CEST",
    ],
    ['{{ (toDate "2006" "x").IsZero }}', "true"],
    ['{{ list 1 "a" nil }} {{ append (list 1) 2 3 }} {{ append nil 1 }}', "[1 a <nil>] [1 2 3] [1]"],
    ['{{ $d := dict "a" 1 "b" (list) }}{{ $d.a }} {{ toJson $d }}', '1 {"a":1,"b":[]}'],
    ['{{ routeLabels "team" }}', "<team>"],
  ])("%s", (text, want) => {
    expect(run(text)).toBe(want);
  });

  test.each([
    ['{{ urlUnescape "%zz" }}', 'error calling urlUnescape: invalid URL escape "%zz"'],
    ['{{ base64decode "a" }}', "error calling base64decode: illegal base64 data at input byte 0"],
    ['{{ base64decode "ab=c" }}', "illegal base64 data at input byte 2"],
    ['{{ base64decode "YQ==YQ==" }}', "illegal base64 data at input byte 4"],
    ['{{ base64decode "YWJj!" }}', "illegal base64 data at input byte 4"],
    ['{{ tz "No/Where" now }}', "error calling tz: unknown time zone No/Where"],
    ['{{ dict "a" }}', "dict requires an even number of arguments"],
    ["{{ dict 1 2 }}", "dict keys must be strings"],
    ['{{ join "," (list "a") }}', "wrong type for value; expected []string; got []interface {}"],
    ['{{ mustToDate "2006" "x" }}', 'parsing time "x" as "2006": cannot parse "x" as "2006"'],
    ['{{ match "(" "" }}', "error calling match: error parsing regexp: missing closing ): `(`"],
    [
      '{{ reReplaceAll "(" "" "" }}',
      "error calling reReplaceAll: regexp: Compile(`(`): error parsing regexp: missing closing ): `(`",
    ],
    ["{{ .Nope }}", "can't evaluate field Nope in type *template.Data"],
  ])("%s fails", (text, want) => {
    expect(() => run(text)).toThrow(want);
  });
});

describe("data", () => {
  test.each([
    ["{{ .CommonLabels }}", "alertname=Up, cluster=a, zone=b"],
    ["{{ .CommonLabels.SortedPairs.Names }} {{ .CommonLabels.Values.Join `,` }}", "[alertname cluster zone] Up,a,b"],
    ["{{ .CommonLabels.Remove .GroupLabels.Names }}", "cluster=a, zone=b"],
    ["{{ len .Alerts.Firing }}{{ len .Alerts.Resolved }}{{ .CommonAnnotations.none }}", "11"],
    [
      "{{ .Alerts.Resolved | toJson }}",
      '[{"status":"resolved","labels":{"alertname":"Up","job":"db"},"annotations":{},"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":""}]',
    ],
    [
      "{{ .Receiver }} {{ .ExternalURL }} {{ .RouteLabels.team }} [{{ .NotificationReason }}]",
      "team\\-x http://am:9093 x []",
    ],
  ])("%s", (text, want) => {
    expect(run(text)).toBe(want);
  });
});
