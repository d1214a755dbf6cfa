/** The rules of good metric names, as client_golang's promlint has them. */
import type { MetricFamily } from "@pharos/exposition";

export interface LintProblem {
  metric: string;
  text: string;
}

/** Units with their base unit. */
const UNITS: Readonly<Record<string, string>> = {
  amperes: "amperes",
  bytes: "bytes",
  celsius: "celsius",
  grams: "grams",
  joules: "joules",
  kelvin: "kelvin",
  meters: "meters",
  metres: "metres",
  seconds: "seconds",
  volts: "volts",
  minutes: "seconds",
  hours: "seconds",
  days: "seconds",
  weeks: "seconds",
  kelvins: "kelvin",
  fahrenheit: "celsius",
  rankine: "celsius",
  inches: "meters",
  yards: "meters",
  miles: "meters",
  bits: "bytes",
  calories: "joules",
  pounds: "grams",
  ounces: "grams",
};
const PREFIXES =
  /^(?:pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mibi|giga|gibi|tera|tebi|peta|pebi)(.+)$/;
const ABBREVIATIONS = /_(?:s|ms|us|ns|sec|b|kb|mb|gb|tb|pb|m|h|d)(?:_|$)/;
const CAMEL_CASE = /[a-z][A-Z]/;

/** The first unit in a name, with its base. */
function unitOf(name: string): { unit: string; base: string } | undefined {
  for (const part of name.split("_")) {
    const bare = Object.hasOwn(UNITS, part) ? part : (PREFIXES.exec(part)?.[1] ?? "");
    if (Object.hasOwn(UNITS, bare)) return { unit: part, base: UNITS[bare] };
  }
  return undefined;
}

function labelNames(family: MetricFamily): string[][] {
  return family.metrics.map(({ labels }) => labels.filter((_, i) => i % 2 === 0));
}

/** A family, all of whose lines say the type that is in the exposition, and whether they say what it is for. */
export interface LintedFamily {
  family: MetricFamily;
  hasHelp: boolean;
}

function* problemsOf({ family, hasHelp }: LintedFamily): Generator<string> {
  const { name, type, metrics } = family;
  const lower = name.toLowerCase();
  const typed = type !== "unknown";
  const names = labelNames(family);
  if (!hasHelp) yield "no help text";
  const unit = unitOf(name);
  if (unit && unit.unit !== unit.base)
    yield `use base unit ${JSON.stringify(unit.base)} instead of ${JSON.stringify(unit.unit)}`;
  if (type === "counter" && !name.endsWith("_total")) yield 'counter metrics should have "_total" suffix';
  if (typed && type !== "counter" && name.endsWith("_total"))
    yield 'non-counter metrics should not have "_total" suffix';
  if (typed) {
    const isHistogram = type === "histogram";
    const isSummary = type === "summary";
    if (!isHistogram && name.endsWith("_bucket")) yield 'non-histogram metrics should not have "_bucket" suffix';
    if (!isHistogram && !isSummary) {
      for (const suffix of ["_count", "_sum"]) {
        if (name.endsWith(suffix)) yield `non-histogram and non-summary metrics should not have "${suffix}" suffix`;
      }
    }
    for (const label of names.flat()) {
      if (!isHistogram && label === "le") yield 'non-histogram metrics should not have "le" label';
      if (!isSummary && label === "quantile") yield 'non-summary metrics should not have "quantile" label';
    }
    if (lower.includes(`_${type}_`) || lower.endsWith(`_${type}`))
      yield `metric name should not include type '${type}'`;
  }
  if (name.includes(":")) yield "metric names should not contain ':'";
  if (CAMEL_CASE.test(name)) yield "metric names should be written in 'snake_case' not 'camelCase'";
  for (const label of names.flat()) {
    if (CAMEL_CASE.test(label)) yield "label names should be written in 'snake_case' not 'camelCase'";
  }
  if (ABBREVIATIONS.test(lower)) yield "metric names should not contain abbreviated units";
  const seen = new Set<string>();
  for (const { labels } of metrics) {
    const key = labels.join("\u00ff");
    if (seen.has(key)) yield "metric not unique";
    seen.add(key);
  }
}

/** Sorted by metric, then by text. */
export function lintMetrics(families: readonly LintedFamily[]): LintProblem[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return families
    .flatMap((one) => [...problemsOf(one)].map((text) => ({ metric: one.family.name, text })))
    .sort((a, b) => compare(a.metric, b.metric) || compare(a.text, b.text));
}
