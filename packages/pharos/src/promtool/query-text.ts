/** Results of queries as Prometheus' Go client prints them. */

type ApiSample = [timestamp: number, value: string];
interface ApiHistogram {
  count: string;
  sum: string;
  buckets?: [boundaries: number, lower: string, upper: string, count: string][];
}
type ApiHistogramSample = [timestamp: number, histogram: ApiHistogram];
type Metric = Record<string, string>;

export type ApiValue =
  | { resultType: "vector"; result: { metric: Metric; value?: ApiSample; histogram?: ApiHistogramSample }[] }
  | { resultType: "matrix"; result: { metric: Metric; values?: ApiSample[]; histograms?: ApiHistogramSample[] }[] }
  | { resultType: "scalar" | "string"; result: ApiSample };

const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function quoted(name: string): string {
  return LEGACY_NAME.test(name) ? name : JSON.stringify(name);
}

function pairsOf(labels: Metric): string[] {
  return Object.keys(labels)
    .sort()
    .map((name) => `${quoted(name)}=${JSON.stringify(labels[name])}`);
}

/** `{a="b", c="d"}`, the name among them. */
export function formatLabelSet(labels: Metric): string {
  return `{${pairsOf(labels).join(", ")}}`;
}

/** `name{a="b"}`. */
export function formatMetric({ __name__: name = "", ...labels }: Metric): string {
  if (name !== "" && !LEGACY_METRIC.test(name)) return `{${[JSON.stringify(name), ...pairsOf(labels)].join(", ")}}`;
  if (Object.keys(labels).length === 0) return name === "" ? "{}" : name;
  return `${name}${formatLabelSet(labels)}`;
}

function formatTime(seconds: number): string {
  return seconds.toFixed(3).replace(/\.?0+$/, "");
}

/** Which of the four kinds of boundaries a bucket has. */
const OPEN = ["(", "[", "(", "["];
const CLOSE = ["]", ")", ")", "]"];

function formatHistogram({ count, sum, buckets = [] }: ApiHistogram): string {
  const list = buckets.map(([kind, lower, upper, n]) => `${OPEN[kind]}${lower},${upper}${CLOSE[kind]}:${n}`);
  return `Count: ${Number(count).toFixed(6)}, Sum: ${Number(sum).toFixed(6)}, Buckets: [${list.join(" ")}]`;
}

/** A line each; nothing for nothing. */
export function formatValueText(value: ApiValue): string {
  switch (value.resultType) {
    case "vector": {
      const lines = value.result.map(({ metric, value: sample, histogram }) =>
        histogram
          ? `${formatMetric(metric)} => ${formatHistogram(histogram[1])} @[${formatTime(histogram[0])}]`
          : `${formatMetric(metric)} => ${sample![1]} @[${formatTime(sample![0])}]`,
      );
      return `${lines.join("\n")}\n`;
    }
    case "matrix": {
      const series = value.result.map(({ metric, values = [], histograms = [] }) => {
        const samples = values.map(([time, text]) => `${text} @[${formatTime(time)}]`);
        const natives = histograms.map(([time, histogram]) => `${formatHistogram(histogram)} @[${formatTime(time)}]`);
        return [`${formatMetric(metric)} =>`, ...samples, ...natives].join("\n");
      });
      return `${series.join("\n")}\n`;
    }
    case "scalar":
      return `scalar: ${value.result[1]} @[${formatTime(value.result[0])}]\n`;
    case "string":
      return `${value.result[1]}\n`;
  }
}
