/** `tsdb dump` and `tsdb dump-openmetrics`: all samples of a directory, a line each, while a server may be using it. */
import { formatFloat } from "@pharos/exposition";
import type { FlagSpecs } from "@pharos/kit";
import { type Labels, Matcher, SampleBuffer, type StoredSeries } from "@pharos/model";
import { formatHistogram, parseMetricSelector } from "@pharos/promql";
import { mergeByLabels, openReadOnly } from "@pharos/tsdb";
import { type Invocation, type Subcommand, valuesOf } from "../subcommands/subcommand.ts";
import { SUCCESS } from "./exit.ts";
import { DEFAULT_DIR } from "./tsdb-list.ts";

const FLAGS = {
  "sandbox-dir-root": {
    type: "string",
    help: "Root directory where a sandbox directory is created for what reading the log needs; it is removed at the end.",
  },
  "min-time": { type: "number", help: "Minimum timestamp to dump, in milliseconds since the Unix epoch." },
  "max-time": { type: "number", help: "Maximum timestamp to dump, in milliseconds since the Unix epoch." },
  match: { type: "string", multiple: true, help: "Series selector. Can be specified multiple times." },
} as const satisfies FlagSpecs;

const FORMAT_FLAG = {
  format: {
    type: "string",
    default: "prom",
    choices: ["prom", "seriesjson"],
    help: "Output format of the dump: prom, or seriesjson for the series without samples.",
  },
} as const satisfies FlagSpecs;

/** Written at once when there is so much. */
const PIECE = 64 * 1024;

/** Collects text into large pieces. */
class Output {
  readonly #write: (text: string) => void;
  #text = "";

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length >= PIECE) this.flush();
  }

  flush(): void {
    if (this.#text !== "") this.#write(this.#text);
    this.#text = "";
  }
}

/** An exposition leaves out the sign of zero; a dump keeps it. */
function valueText(value: number): string {
  return Object.is(value, -0) ? "-0" : formatFloat(value);
}

type Format = (labels: Labels, samples: SampleBuffer, out: Output) => void;

const asText: Format = (labels, samples, out) => {
  const name = labels.toString();
  for (let i = 0; i < samples.length; i++) {
    const histogram = samples.histograms?.[i];
    const value = histogram ? formatHistogram(histogram) : valueText(samples.values[i]);
    out.line(`${name} ${value} ${samples.timestamps[i]}`);
  }
};

const asSeries: Format = (labels, _samples, out) => out.line(JSON.stringify(labels));

/** Native histograms and staleness markers have no form there. */
const asOpenMetrics: Format = (labels, samples, out) => {
  const pairs = [...labels.withoutMetricName()].map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const name = `${labels.metricName}{${pairs.join(",")}}`;
  for (let i = 0; i < samples.length; i++) {
    if (samples.histograms?.[i] || samples.isStale(i)) continue;
    out.line(`${name} ${valueText(samples.values[i])} ${(samples.timestamps[i] / 1000).toFixed(3)}`);
  }
};

async function dump(invocation: Invocation, format: Format): Promise<void> {
  const values = valuesOf(FLAGS, invocation.values);
  const mint = values["min-time"] ?? Number.MIN_SAFE_INTEGER;
  const maxt = values["max-time"] ?? Number.MAX_SAFE_INTEGER;
  const selectors =
    values.match.length > 0
      ? values.match.map((text) => parseMetricSelector(text))
      : [[new Matcher("=~", "__name__", "(?s:.*)")]];
  using db = await openReadOnly({ dir: invocation.args[0] ?? DEFAULT_DIR, sandboxRoot: values["sandbox-dir-root"] });
  using querier = db.querier(mint, maxt);
  const found: (readonly StoredSeries[])[] = [];
  for (const matchers of selectors) found.push(await querier.select(matchers));
  const out = new Output(invocation.write);
  const samples = new SampleBuffer();
  for (const [series] of mergeByLabels(found)) {
    samples.clear();
    series.read(mint, maxt, samples);
    if (samples.length > 0) format(series.labels, samples, out);
  }
  out.flush();
}

const tsdbDump: Subcommand = {
  path: "tsdb dump",
  summary: "Dump data (series+samples or just series) from a TSDB.",
  usage: "[DIR]",
  args: { min: 0, max: 1 },
  flags: { ...FLAGS, ...FORMAT_FLAG },
  async run(invocation) {
    const { format } = valuesOf(FORMAT_FLAG, invocation.values);
    await dump(invocation, format === "seriesjson" ? asSeries : asText);
    return SUCCESS;
  },
};

const tsdbDumpOpenMetrics: Subcommand = {
  path: "tsdb dump-openmetrics",
  summary: "Dump samples in OpenMetrics format, without native histograms and staleness markers.",
  usage: "[DIR]",
  args: { min: 0, max: 1 },
  flags: FLAGS,
  async run(invocation) {
    await dump(invocation, asOpenMetrics);
    invocation.write("# EOF\n");
    return SUCCESS;
  },
};

export const dumpCommands: readonly Subcommand[] = [tsdbDump, tsdbDumpOpenMetrics];
