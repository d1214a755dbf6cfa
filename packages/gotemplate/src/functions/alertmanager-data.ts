/** What Alertmanager's templates are given: template.Data and its parts, with their methods and JSON names. */
import { compareStrings } from "@pharos/model";
import { Moment } from "../time/moment.ts";
import { TIME, time } from "../time/types.ts";
import { method } from "../value/function.ts";
import { type Method, STRING, Type } from "../value/type.ts";
import { pointerTo, string, stringMap, Value, zero } from "../value/value.ts";

export interface AlertmanagerAlert {
  status: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  /** Go's zero time when not given. */
  startsAt?: Moment;
  endsAt?: Moment;
  generatorURL?: string;
  fingerprint?: string;
}

export interface AlertmanagerData {
  /** As upstream gives it to templates: quoted for a regular expression (`team\-x`). */
  receiver?: string;
  status?: string;
  alerts?: readonly AlertmanagerAlert[];
  notificationReason?: string;
  groupLabels?: Readonly<Record<string, string>>;
  commonLabels?: Readonly<Record<string, string>>;
  commonAnnotations?: Readonly<Record<string, string>>;
  /** Values may be templates; `routeLabels "name"` renders them. */
  routeLabels?: Readonly<Record<string, string>>;
  externalURL?: string;
}

const STRINGS = new Type("slice", "template.Strings", { elem: STRING });
STRINGS.define({
  Join: method([STRING], STRING, (self, separator) => string(self.items.map((item) => item.text).join(separator.text))),
});

const PAIR = new Type("struct", "template.Pair", {
  fields: [
    { name: "Name", type: STRING },
    { name: "Value", type: STRING },
  ],
});
const PAIRS = new Type("slice", "template.Pairs", { elem: PAIR });
const KV = new Type("map", "template.KV", { key: STRING, elem: STRING });

const ofPairs = (name: "Name" | "Value"): Method =>
  method(
    [],
    STRINGS,
    (pairs) =>
      new Value(
        STRINGS,
        pairs.items.map((pair) => pair.field(name)!),
      ),
  );

function pairsText(pairs: Value): Value {
  return string(pairs.items.map((pair) => pair.items.map((part) => part.text).join("=")).join(", "));
}

PAIRS.define({
  Names: ofPairs("Name"),
  Values: ofPairs("Value"),
  String: method([], STRING, pairsText),
});

/** By name in bytes, but alertname first. */
function sortedPairs(kv: Value): Value {
  const isFirst = (pair: Value): number => (pair.items[0].text === "alertname" ? 0 : 1);
  const pairs = kv.map.sorted().map(({ key, value }) => new Value(PAIR, [key, value]));
  pairs.sort((a, b) => isFirst(a) - isFirst(b) || compareStrings(a.items[0].text, b.items[0].text));
  return new Value(PAIRS, pairs);
}

KV.define({
  SortedPairs: method([], PAIRS, sortedPairs),
  Names: method([], STRINGS, (kv) => PAIRS.method("Names")!.call(sortedPairs(kv), [])),
  Values: method([], STRINGS, (kv) => PAIRS.method("Values")!.call(sortedPairs(kv), [])),
  String: method([], STRING, (kv) => pairsText(sortedPairs(kv))),
  Remove: method([STRING.slice], KV, (kv, names) => {
    const gone = new Set(names.items.map((name) => name.text));
    const kept = kv.map.sorted().filter(({ key }) => !gone.has(key.text));
    return stringMap(
      kept.map(({ key, value }) => [key.text, value.text] as const),
      KV,
    );
  }),
});

const ALERT = new Type("struct", "template.Alert", {
  fields: [
    { name: "Status", type: STRING, tag: "status" },
    { name: "Labels", type: KV, tag: "labels" },
    { name: "Annotations", type: KV, tag: "annotations" },
    { name: "StartsAt", type: TIME, tag: "startsAt" },
    { name: "EndsAt", type: TIME, tag: "endsAt" },
    { name: "GeneratorURL", type: STRING, tag: "generatorURL" },
    { name: "Fingerprint", type: STRING, tag: "fingerprint" },
  ],
});
const ALERTS = new Type("slice", "template.Alerts", { elem: ALERT });
const withStatus = (status: string): Method =>
  method([], ALERT.slice, (alerts) => {
    const kept = alerts.items.filter((alert) => alert.field("Status")!.text === status);
    return new Value(ALERT.slice, kept);
  });
ALERTS.define({ Firing: withStatus("firing"), Resolved: withStatus("resolved") });

const DATA = new Type("struct", "template.Data", {
  fields: [
    { name: "Receiver", type: STRING, tag: "receiver" },
    { name: "Status", type: STRING, tag: "status" },
    { name: "Alerts", type: ALERTS, tag: "alerts" },
    { name: "NotificationReason", type: STRING, tag: "notification_reason" },
    { name: "GroupLabels", type: KV, tag: "groupLabels" },
    { name: "CommonLabels", type: KV, tag: "commonLabels" },
    { name: "CommonAnnotations", type: KV, tag: "commonAnnotations" },
    { name: "RouteLabels", type: KV, tag: "routeLabels" },
    { name: "ExternalURL", type: STRING, tag: "externalURL" },
  ],
});

/** Labels or annotations; nil when there are none given. */
export function kv(entries: Readonly<Record<string, string>> | undefined): Value {
  return entries ? stringMap(Object.entries(entries), KV) : zero(KV);
}

function alertValue(alert: AlertmanagerAlert): Value {
  return new Value(ALERT, [
    string(alert.status),
    kv(alert.labels),
    kv(alert.annotations),
    time(alert.startsAt ?? Moment.zero),
    time(alert.endsAt ?? Moment.zero),
    string(alert.generatorURL ?? ""),
    string(alert.fingerprint ?? ""),
  ]);
}

/** The data as templates see it: a `*template.Data`. */
export function alertmanagerData(data: AlertmanagerData): Value {
  return pointerTo(
    new Value(DATA, [
      string(data.receiver ?? ""),
      string(data.status ?? ""),
      data.alerts ? new Value(ALERTS, data.alerts.map(alertValue)) : zero(ALERTS),
      string(data.notificationReason ?? ""),
      kv(data.groupLabels),
      kv(data.commonLabels),
      kv(data.commonAnnotations),
      kv(data.routeLabels),
      string(data.externalURL ?? ""),
    ]),
  );
}
