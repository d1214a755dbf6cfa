/** What templates and payloads see of a notification: upstream's template.Data, with its methods. */
import {
  Value as GoValue,
  Moment,
  method,
  STRING,
  sliceOf,
  string,
  stringMap,
  TIME,
  Type,
  time,
  type Value,
} from "@pharos/gotemplate";
import { compareStrings, type Labels } from "@pharos/model";
import { fingerprint, type StoredAlert } from "../alerts.ts";

export interface NotificationData {
  receiver: string;
  status: "firing" | "resolved";
  alerts: StoredAlert[];
  groupLabels: Labels;
  commonLabels: Labels;
  commonAnnotations: Labels;
  externalUrl: string;
  groupKey: string;
  truncatedAlerts: number;
}

export function statusOf({ endsAt }: StoredAlert, now: number): "firing" | "resolved" {
  return endsAt !== 0 && endsAt <= now ? "resolved" : "firing";
}

const PAIR = new Type("struct", "template.Pair", {
  fields: [
    { name: "Name", type: STRING },
    { name: "Value", type: STRING },
  ],
});
const PAIRS = new Type("slice", "template.Pairs", { elem: PAIR });
const KV = new Type("map", "template.KV", { key: STRING, elem: STRING });
const STRINGS = STRING.slice;

/** Names sorted, but alertname first, as upstream sorts pairs. */
function sortedNames(kv: Value): string[] {
  const names = kv.map
    .sorted()
    .map(({ key }) => key.text)
    .sort(compareStrings);
  return names.includes("alertname") ? ["alertname", ...names.filter((name) => name !== "alertname")] : names;
}

function pairsOf(kv: Value): Value {
  return new GoValue(
    PAIRS,
    sortedNames(kv).map((name) => new GoValue(PAIR, [string(name), kv.map.get(string(name)) ?? string("")])),
  );
}

PAIRS.define({
  Names: method([], STRINGS, (pairs) =>
    sliceOf(
      STRING,
      pairs.items.map((pair) => pair.field("Name")!),
    ),
  ),
  Values: method([], STRINGS, (pairs) =>
    sliceOf(
      STRING,
      pairs.items.map((pair) => pair.field("Value")!),
    ),
  ),
  String: method([], STRING, (pairs) =>
    string(pairs.items.map((pair) => `${pair.field("Name")!.text}=${pair.field("Value")!.text}`).join(", ")),
  ),
});
KV.define({
  SortedPairs: method([], PAIRS, pairsOf),
  Names: method([], STRINGS, (kv) => sliceOf(STRING, sortedNames(kv).map(string))),
  Values: method([], STRINGS, (kv) =>
    sliceOf(
      STRING,
      sortedNames(kv).map((name) => kv.map.get(string(name))!),
    ),
  ),
  Remove: method([STRINGS], KV, (kv, names) => {
    const gone = new Set(names.items.map((name) => name.text));
    return stringMap(
      sortedNames(kv)
        .filter((name) => !gone.has(name))
        .map((name) => [name, kv.map.get(string(name))!.text] as const),
      KV,
    );
  }),
});

const ALERT = new Type("struct", "template.Alert", {
  fields: [
    { name: "Status", type: STRING },
    { name: "Labels", type: KV },
    { name: "Annotations", type: KV },
    { name: "StartsAt", type: TIME },
    { name: "EndsAt", type: TIME },
    { name: "GeneratorURL", type: STRING },
    { name: "Fingerprint", type: STRING },
  ],
});
const ALERTS = new Type("slice", "template.Alerts", { elem: ALERT });
const withStatus = (status: string) =>
  method(
    [],
    ALERTS,
    (alerts) =>
      new GoValue(
        ALERTS,
        alerts.items.filter((alert) => alert.field("Status")!.text === status),
      ),
  );
ALERTS.define({ Firing: withStatus("firing"), Resolved: withStatus("resolved") });

const DATA = new Type("struct", "template.Data", {
  fields: [
    { name: "Receiver", type: STRING },
    { name: "Status", type: STRING },
    { name: "Alerts", type: ALERTS },
    { name: "GroupLabels", type: KV },
    { name: "CommonLabels", type: KV },
    { name: "CommonAnnotations", type: KV },
    { name: "ExternalURL", type: STRING },
    { name: "GroupKey", type: STRING },
  ],
});

/** Go's zero time stands for "not yet". */
function moment(ms: number): Value {
  return time(ms === 0 ? Moment.zero : Moment.fromMillis(ms));
}

/** The data as a Go value, for templates. */
export function templateData(data: NotificationData, now: number): Value {
  const alerts = data.alerts.map(
    (alert) =>
      new GoValue(ALERT, [
        string(statusOf(alert, now)),
        stringMap(alert.labels, KV),
        stringMap(alert.annotations, KV),
        moment(alert.startsAt),
        moment(statusOf(alert, now) === "resolved" ? alert.endsAt : 0),
        string(alert.generatorURL),
        string(fingerprint(alert.labels)),
      ]),
  );
  return new GoValue(DATA, [
    string(data.receiver),
    string(data.status),
    new GoValue(ALERTS, alerts),
    stringMap(data.groupLabels, KV),
    stringMap(data.commonLabels, KV),
    stringMap(data.commonAnnotations, KV),
    string(data.externalUrl),
    string(data.groupKey),
  ]);
}
