/** Functions of Prometheus' templates: rules' labels and annotations, and consoles. */
import { compareStrings, parseDuration } from "@pharos/model";
import { titleCase } from "../text/case.ts";
import { queryEscape } from "../text/escape.ts";
import { isIp, joinHostPort, splitHostPort } from "../text/host.ts";
import { formatTime } from "../time/layout.ts";
import { DEFAULT_LAYOUT, DURATION, duration, TIME, time } from "../time/types.ts";
import { fn, textFn, variadic } from "../value/function.ts";
import { ANY, FLOAT64, type GoFunc, STRING, Type } from "../value/type.ts";
import { ANY_MAP, boxed, float, GoMap, pointerTo, STRING_MAP, string, stringMap, Value } from "../value/value.ts";
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  shortFloat,
  toFloat,
  toMoment,
  toNanoseconds,
} from "./numbers.ts";
import { TEXT_FUNCTIONS } from "./text.ts";

/** A number, or a native histogram given as upstream prints it (`{count:…, sum:…}`). */
export type SampleValue = number | { histogram: string };

export interface TemplateSample {
  labels: Record<string, string>;
  value: SampleValue;
}

const HISTOGRAM = new Type("struct", "histogram.FloatHistogram");
HISTOGRAM.define({
  String: { params: [], variadic: false, result: STRING, call: (self) => string((self.v as { text: string }).text) },
});
const SAMPLE = new Type("struct", "template.sample", {
  fields: [
    { name: "Labels", type: STRING_MAP },
    { name: "Value", type: ANY },
  ],
});
const VECTOR = new Type("slice", "template.queryResult", { elem: SAMPLE.pointer });

export function sampleValue(value: SampleValue): Value {
  if (typeof value === "number") return float(value);
  const text = value.histogram;
  return new Value(HISTOGRAM, { text, equals: (other: { text: string }) => other.text === text });
}

export function vector(samples: readonly TemplateSample[]): Value {
  const items = samples.map(({ labels, value }) =>
    pointerTo(new Value(SAMPLE, [stringMap(Object.entries(labels)), boxed(sampleValue(value))])),
  );
  return new Value(VECTOR, items);
}

function labelOf(sample: Value, name: string): string {
  return sample.inner?.field("Labels")?.map.get(string(name))?.text ?? "";
}

/** An address without the domain of its host; an IP address stays whole. */
function stripDomain(address: string): string {
  const split = splitHostPort(address);
  const host = split?.host ?? address;
  if (isIp(host)) return address;
  const first = host.split(".")[0];
  return split && split.port !== "" ? joinHostPort(first, split.port) : first;
}

const numeric = (call: (value: number) => string): GoFunc =>
  fn([ANY], STRING, (operand) => string(call(toFloat(operand))));

/** The functions that need nothing from outside. */
const PURE: Readonly<Record<string, GoFunc>> = {
  ...TEXT_FUNCTIONS,
  first: fn([VECTOR], SAMPLE.pointer, (list) => {
    if (list.items.length === 0) throw new Error("first() called on vector with no elements");
    return list.items[0];
  }),
  label: fn([STRING, SAMPLE.pointer], STRING, (name, sample) => string(labelOf(sample, name.text))),
  value: fn([SAMPLE.pointer], ANY, (sample) => sample.inner?.field("Value")),
  strvalue: fn([SAMPLE.pointer], STRING, (sample) => string(labelOf(sample, "__value__"))),
  sortByLabel: fn([STRING, VECTOR], VECTOR, (name, list) => {
    // In place, as upstream does: who holds the vector sees it sorted from now on.
    const items = list.items as Value[];
    items.sort((a, b) => compareStrings(labelOf(a, name.text), labelOf(b, name.text)));
    return list;
  }),
  args: variadic([ANY], ANY_MAP, (args) => {
    const map = new GoMap();
    args.forEach((arg, i) => {
      map.set(string(`arg${i}`), boxed(arg));
    });
    return new Value(ANY_MAP, map);
  }),
  title: textFn((text) => titleCase(text, (rest) => rest)),
  urlQueryEscape: textFn(queryEscape),
  graphLink: textFn((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=0`),
  tableLink: textFn((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=1`),
  stripPort: textFn((address) => splitHostPort(address)?.host ?? address),
  stripDomain: textFn(stripDomain),
  humanize: numeric(humanize),
  humanize1024: numeric(humanize1024),
  humanizeDuration: numeric(humanizeDuration),
  humanizePercentage: numeric(humanizePercentage),
  humanizeTimestamp: fn([ANY], STRING, (operand) => {
    const seconds = toFloat(operand);
    return Number.isFinite(seconds) ? string(formatTime(toMoment(seconds), DEFAULT_LAYOUT)) : shortFloat(seconds);
  }),
  toTime: fn([ANY], TIME.pointer, (operand) => pointerTo(time(toMoment(toFloat(operand))))),
  toDuration: fn([ANY], DURATION.pointer, (operand) => pointerTo(duration(toNanoseconds(toFloat(operand))))),
  parseDuration: fn([STRING], FLOAT64, ({ text }) =>
    float((text.startsWith("-") ? -parseDuration(text.slice(1)) : parseDuration(text)) / 1000),
  ),
};

export interface PrometheusEnvironment {
  /** Result of a query, at once; it may throw a Suspension. */
  query(expr: string): readonly TemplateSample[];
  /** Unix ms of the evaluation. */
  timestampMs: number;
  /** "" when there is none. */
  externalUrl: string;
}

/** The path of a URL, decoded. */
function pathOf(url: string): string {
  const path = /^[^:/?#]+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "";
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export function prometheusFunctions(environment: PrometheusEnvironment): Record<string, GoFunc> {
  const { externalUrl } = environment;
  const path = pathOf(externalUrl);
  return {
    ...PURE,
    query: fn([STRING], VECTOR, (expr) => vector(environment.query(expr.text))),
    now: fn([], FLOAT64, () => float(environment.timestampMs / 1000)),
    externalURL: fn([], STRING, () => string(externalUrl)),
    pathPrefix: fn([], STRING, () => string(path)),
  };
}

/** What a rule's template is given: `.Labels`, `.ExternalLabels`, `.ExternalURL`, `.Value`. */
export function alertData(data: {
  labels: Record<string, string>;
  externalLabels: Record<string, string>;
  externalUrl: string;
  value: SampleValue;
}): Value {
  return new Value(ALERT_DATA, [
    stringMap(Object.entries(data.labels)),
    stringMap(Object.entries(data.externalLabels)),
    string(data.externalUrl),
    boxed(sampleValue(data.value)),
  ]);
}

const ALERT_DATA = new Type(
  "struct",
  "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }",
  {
    fields: [
      { name: "Labels", type: STRING_MAP },
      { name: "ExternalLabels", type: STRING_MAP },
      { name: "ExternalURL", type: STRING },
      { name: "Value", type: ANY },
    ],
  },
);
