/** What a test got beside what it expected, in promtool's words. */
import { formatExponent, type Labels } from "@pharos/model";

export interface ComparedSample {
  labels: Labels;
  value: number;
  /** In the notation of tests; "" for a float. */
  histogram: string;
}

export interface ComparedAlert {
  labels: Labels;
  annotations: Labels;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Whether two floats are the same or next to each other. A NaN is equal to nothing, as in Go. */
export function nearlySame(a: number, b: number): boolean {
  if (a === b) return true;
  if (Number.isNaN(a) || Number.isNaN(b) || a > 0 !== b > 0) return false;
  scratch.setFloat64(0, a);
  const bits = scratch.getBigInt64(0);
  scratch.setFloat64(0, b);
  const distance = bits - scratch.getBigInt64(0);
  return distance === 1n || distance === -1n;
}

/** Both sorted by labels. */
export function sameSamples(
  expected: readonly ComparedSample[],
  got: readonly ComparedSample[],
  fuzzy: boolean,
): boolean {
  const same = fuzzy ? nearlySame : (a: number, b: number): boolean => a === b;
  return (
    expected.length === got.length &&
    expected.every(
      ({ labels, value, histogram }, i) =>
        labels.equals(got[i].labels) && same(value, got[i].value) && histogram === got[i].histogram,
    )
  );
}

export function sortSamples(samples: ComparedSample[]): ComparedSample[] {
  return samples.sort((a, b) => a.labels.compare(b.labels));
}

export function sortAlerts(alerts: ComparedAlert[]): ComparedAlert[] {
  return alerts.sort((a, b) => a.labels.compare(b.labels) || a.annotations.compare(b.annotations));
}

/** Both sorted. */
export function sameAlerts(expected: readonly ComparedAlert[], got: readonly ComparedAlert[]): boolean {
  return (
    expected.length === got.length &&
    expected.every((alert, i) => alert.labels.equals(got[i].labels) && alert.annotations.equals(got[i].annotations))
  );
}

export function describeSamples(samples: readonly ComparedSample[]): string {
  if (samples.length === 0) return "nil";
  return samples
    .map(({ labels, value, histogram }) => `${labels} ${histogram || formatExponent(value).replace("e", "E")}`)
    .join(", ");
}

export function describeAlerts(alerts: readonly ComparedAlert[]): string {
  if (alerts.length === 0) return "[]";
  const entries = alerts.map(({ labels, annotations }, i) => {
    const text = indent(`\nLabels:${labels}\nAnnotations:${annotations}`, "  ");
    return `${i}:${text}`;
  });
  return `[\n${entries.join(",\n")}\n]`;
}

/** Every line but the first moved to the right. */
export function indent(text: string, by: string): string {
  return text.split("\n").join(`\n${by}`);
}

/** The lines of `expected` and `got` that are not in both, marked `-` and `+`, among those that are. */
export function diffLines(expected: string, got: string): string {
  const a = expected.split("\n");
  const b = got.split("\n");
  // Length of the longest common run of lines from each pair of positions on.
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let k = b.length - 1; k >= 0; k--) {
      common[i][k] = a[i] === b[k] ? common[i + 1][k + 1] + 1 : Math.max(common[i + 1][k], common[i][k + 1]);
    }
  }
  const out: string[] = [];
  let i = 0;
  let k = 0;
  while (i < a.length || k < b.length) {
    if (i < a.length && k < b.length && a[i] === b[k]) {
      out.push(`  ${a[i++]}`);
      k++;
    } else if (k >= b.length || (i < a.length && common[i + 1][k] >= common[i][k + 1])) out.push(`- ${a[i++]}`);
    else out.push(`+ ${b[k++]}`);
  }
  return out.join("\n");
}
