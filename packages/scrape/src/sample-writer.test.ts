import { encode, type MetricFamily } from "@pharos/exposition";
import { parseYaml, Registry } from "@pharos/kit";
import { type IntHistogram, Labels } from "@pharos/model";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { parseGlobalScrapeConfig, parseScrapeConfig, type ScrapeConfig } from "./config.ts";
import type { BodyFormat } from "./content-type.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MetadataStore } from "./metadata-store.ts";
import { createScrapeMetrics, type ScrapeMetrics } from "./metrics.ts";
import { SampleWriter, type ScrapeResult, type WriterOptions } from "./sample-writer.ts";

let storage: MemoryStorage;
let metadata: MetadataStore;
let registry: Registry;
let metrics: ScrapeMetrics;
let writer: SampleWriter;

function configOf(yaml: string): ScrapeConfig {
  return parseScrapeConfig(
    parseYaml(`{job_name: j, ${yaml}}`),
    parseGlobalScrapeConfig(parseYaml("{}").map()),
    () => [],
  );
}

function start(yaml = "", options: Partial<WriterOptions> = {}): void {
  storage = new MemoryStorage();
  metadata = new MetadataStore();
  registry = new Registry();
  metrics = createScrapeMetrics(registry);
  const config = configOf(yaml);
  writer = new SampleWriter({
    config,
    target: Labels.from({ instance: "i", job: "j" }),
    metadata,
    metrics,
    histograms: {
      scrapeNativeHistograms: config.scrapeNativeHistograms,
      keepClassic: config.alwaysScrapeClassicHistograms,
      convertClassicHistograms: config.convertClassicHistograms,
    },
    startTimestamps: false,
    ...options,
  });
}

/** One scrape at a time in ms; refused ones are treated as the loop does. */
function scrape(body: string | Uint8Array, t: number, format: BodyFormat = "text"): ScrapeResult {
  const appender = storage.appender();
  const result = writer.append(appender, Buffer.from(body), format, t);
  if (!result.error) {
    appender.commit();
    return result;
  }
  appender.rollback();
  const again = storage.appender();
  writer.appendAllStale(again, t);
  again.commit();
  return result;
}

const counter = (name: string): number => {
  const family = registry.families().find((entry) => entry.name === name);
  const metric = family?.metrics[0];
  return metric && "value" in metric ? metric.value : 0;
};

beforeEach(() => start());

describe("labels", () => {
  test("target labels win, and what they replace is exported", () => {
    scrape('m{job="own",exported_job="x",a="b"} 1', 1000);
    expect(storage.names).toEqual([
      '{__name__="m", a="b", exported_exported_job="own", exported_job="x", instance="i", job="j"}',
    ]);
  });

  test("honor_labels keeps the target's hands off", () => {
    start("honor_labels: true");
    scrape('m{job="own"} 1', 1000);
    expect(storage.names).toEqual(['{__name__="m", instance="i", job="own"}']);
  });

  test("metric relabelling drops and renames; dropped samples are counted as scraped only", () => {
    start(
      "metric_relabel_configs: [{source_labels: [__name__], regex: 'bad.*', action: drop}, {source_labels: [a], target_label: b}]",
    );
    const first = scrape('bad 1\ngood{a="x"} 2\n', 1000);
    expect(first).toMatchObject({ scraped: 2, relabelled: 1, added: 1, error: undefined });
    expect(scrape('bad 1\ngood{a="x"} 3\n', 2000)).toMatchObject({ scraped: 2, relabelled: 1, added: 0 });
    expect(storage.values('{__name__="good", a="x", b="x", instance="i", job="j"}')).toEqual([2, 3]);
  });

  test("a name that relabelling removes fails the scrape", () => {
    start("metric_relabel_configs: [{regex: __name__, action: labeldrop}]");
    expect(scrape("m 1", 1000).error?.message).toBe("missing metric name (__name__ label)");
  });

  test("legacy validation refuses other characters", () => {
    start("metric_name_validation_scheme: legacy");
    expect(scrape('{"a.b"} 1', 1000).error?.message).toContain("invalid metric name or label names");
    start();
    expect(scrape('{"a.b"} 1', 1000).error).toBeUndefined();
  });

  test("the same label twice is refused", () => {
    expect(scrape('m{a="1",a="2"} 1', 1000).error?.message).toBe('label name "a" is not unique: invalid sample');
  });
});

describe("the line cache", () => {
  const M = (name: string): string => `{__name__="${name}", instance="i", job="j"}`;

  test("lines that stay, move, come and go keep their series", () => {
    scrape("# TYPE a gauge\na 1\nb 2\nc 3\n", 1000);
    scrape("# TYPE a gauge\na 2\nb 3\nc 4\n", 2000);
    expect(scrape("c 5\n# TYPE a gauge\na 3\nnew 1\n\nb 4\n", 3000)).toMatchObject({ scraped: 4, added: 1 });
    scrape("# TYPE a gauge\na 4\nc 6\n", 4000);
    expect(storage.values(M("a"))).toEqual([1, 2, 3, 4]);
    expect(storage.values(M("b"))).toEqual([2, 3, 4, "stale"]);
    expect(storage.values(M("c"))).toEqual([3, 4, 5, 6]);
    expect(storage.values(M("new"))).toEqual([1, "stale"]);
  });

  test("a name that is the beginning of another is not taken for it", () => {
    scrape("ab 1\nabc 2\n", 1000);
    scrape('abc 3\nab{x="1"} 4\nab 5\n', 2000);
    expect(storage.values(M("ab"))).toEqual([1, 5]);
    expect(storage.values(M("abc"))).toEqual([2, 3]);
    expect(storage.values('{__name__="ab", instance="i", job="j", x="1"}')).toEqual([4]);
  });

  test("bounds follow the TYPE line, skipped or not", () => {
    scrape('# TYPE h histogram\nh_bucket{le="1"} 1\n', 1000);
    scrape('# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="2"} 3\n', 2000);
    expect(storage.values('{__name__="h_bucket", instance="i", job="j", le="1.0"}')).toEqual([1, 2]);
    expect(storage.values('{__name__="h_bucket", instance="i", job="j", le="2.0"}')).toEqual([3]);
  });

  test("a series storage has forgotten is found again by its labels", () => {
    scrape("a 1\nb 1\n", 1000);
    storage.forgotten.add(1);
    scrape("a 2\nb 2\n", 2000);
    expect(storage.names).toHaveLength(3);
    expect(storage.values(M("b"))).toEqual([1, 2]);
  });

  test("any sequence of bodies gives what reading each afresh gives", () => {
    const line = fc.constantFrom(
      "# TYPE a gauge",
      "# HELP a help",
      "",
      'a{x="1"} ',
      'a{x="2"} ',
      'a{x="1",y="longer-label-value-that-is-shared"} ',
      'a{x="1",y="longer-label-value-that-is-another"} ',
      'b{x="1",y="longer-label-value-that-is-shared"} ',
      'ab{x="1",y="longer-label-value-that-is-shared"} ',
      'b{x="1",y="longer-label-value-that-is-another"} ',
      "b ",
      "bb ",
      " b ",
    );
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 24 }), { minLength: 1, maxLength: 6 }), (bodies) => {
        start();
        const expected = new Map<string, (number | "stale")[]>();
        let before = new Set<string>();
        bodies.forEach((lines, round) => {
          const now = new Set<string>();
          const text = lines.map((entry, i) => (entry.endsWith(" ") ? `${entry}${round * 100 + i}` : entry)).join("\n");
          scrape(text, (round + 1) * 1000);
          lines.forEach((entry, i) => {
            if (!entry.endsWith(" ")) return;
            const key = entry.trim();
            if (now.has(key)) return;
            now.add(key);
            expected.set(key, [...(expected.get(key) ?? []), round * 100 + i]);
          });
          for (const key of before) if (!now.has(key)) expected.get(key)!.push("stale");
          before = now;
        });
        for (const [key, values] of expected) {
          const labels = key.includes("{") ? key.slice(1).replace("{", ", ").replace("}", "") : "";
          const name = /^\w+/.exec(key)![0];
          const rest = labels === "" ? "" : `, ${labels.slice(name.length + 1).replace(/",/g, '", ')}`;
          const text = `{__name__="${name}", instance="i", job="j"${rest.replace(/^, ,/, ",")}}`;
          expect(storage.values(text)).toEqual(values);
        }
      }),
      { seed: 7, numRuns: 400 },
    );
  });
});

describe("staleness", () => {
  const A = '{__name__="a", instance="i", job="j"}';

  test("a body that cannot be read ends all series, and counts what was read of it", () => {
    scrape("a 1\nb 1\n", 1000);
    const result = scrape("a 2\nbroken{\n", 2000);
    expect(result.error?.message).toContain("expected label name");
    expect(result.scraped).toBe(1);
    expect(storage.values(A)).toEqual([1, "stale"]);
    // Not written twice.
    scrape("also broken{", 3000);
    expect(storage.values(A)).toEqual([1, "stale"]);
    expect(scrape("a 3\nb 3\n", 4000)).toMatchObject({ added: 0 });
    expect(storage.values(A)).toEqual([1, "stale", 3]);
  });

  test("an empty body is no error and ends all series", () => {
    scrape("a 1\n", 1000);
    expect(scrape("", 2000)).toMatchObject({ scraped: 0, error: undefined });
    expect(storage.values(A)).toEqual([1, "stale"]);
  });

  test("samples with a time of their own are not marked, unless the job tracks them", () => {
    scrape("a 1 500\n", 1000);
    scrape("b 1\n", 2000);
    expect(storage.values(A)).toEqual([1]);
    start("track_timestamps_staleness: true");
    scrape("a 1 500\n", 1000);
    scrape("b 1\n", 2000);
    expect(storage.values(A)).toEqual([1, "stale"]);
    start("honor_timestamps: false");
    scrape("a 1 500\n", 1000);
    expect(storage.samples(A)).toEqual([{ t: 1000, v: 1 }]);
  });

  test("a target that changes its format keeps its series", () => {
    scrape("a 1\n", 1000);
    scrape("# TYPE a gauge\na 2\n# EOF\n", 2000, "openmetrics");
    const family: MetricFamily = { name: "a", help: "", type: "gauge", metrics: [{ labels: [], value: 3 }] };
    scrape(encode([family], "protobuf"), 3000, "protobuf");
    scrape("a 4\n", 4000);
    expect(storage.values(A)).toEqual([1, 2, 3, 4]);
  });
});

describe("limits", () => {
  test("sample_limit refuses the scrape and says how many there were", () => {
    start("sample_limit: 2");
    expect(scrape("a 1\nb 1\n", 1000).error).toBeUndefined();
    const result = scrape("c 2\na 2\nb 2\nd 2\n", 2000);
    expect(result).toMatchObject({ scraped: 4, relabelled: 4, added: 1 });
    expect(scrape("c 2\na 2\nb 2\nd 2\n", 2500)).toMatchObject({ scraped: 4, added: 0 });
    expect(result.error?.message).toBe("sample limit exceeded");
    expect(storage.values('{__name__="a", instance="i", job="j"}')).toEqual([1, "stale"]);
    expect(counter("prometheus_target_scrapes_exceeded_sample_limit_total")).toBe(2);
    expect(scrape("c 3\n", 3000)).toMatchObject({ added: 0, error: undefined });
    expect(scrape("a 4\n", 4000)).toMatchObject({ added: 1, error: undefined });
    expect(storage.values('{__name__="c", instance="i", job="j"}')).toEqual([3, "stale"]);
  });

  test.each([
    ["label_limit: 3", 'm{a="b"} 1', "label_limit exceeded (metric: m, number of labels: 4, limit: 3)"],
    [
      "label_name_length_limit: 8",
      'm{long_name="b"} 1',
      "label_name_length_limit exceeded (metric: m, label name: long_name, length: 9, limit: 8)",
    ],
    [
      "label_value_length_limit: 3",
      'm{a="long"} 1',
      'label_value_length_limit exceeded (metric: m, label name: a, value: "long", length: 4, limit: 3)',
    ],
  ])("%s", (yaml, body, message) => {
    start(yaml);
    expect(scrape(body, 1000).error?.message).toBe(message);
    expect(counter("prometheus_target_scrape_pool_exceeded_label_limits_total")).toBe(1);
  });

  test("a repeated series, one out of order and one from the future are counted, not fatal", () => {
    scrape("a 1\na 2\nb 1 5000\nc 1 9999999\n", 10_000);
    scrape("b 2 4000\n", 20_000);
    expect(storage.values('{__name__="a", instance="i", job="j"}')).toEqual([1, "stale"]);
    expect(counter("prometheus_target_scrapes_sample_duplicate_timestamp_total")).toBe(1);
    expect(counter("prometheus_target_scrapes_sample_out_of_order_total")).toBe(1);
    expect(counter("prometheus_target_scrapes_sample_out_of_bounds_total")).toBe(1);
  });

  test("series over the memory budget are refused by name, the others flow", () => {
    storage.budget = 1;
    expect(scrape("a 1\nb 1\n", 1000)).toMatchObject({ added: 1, error: undefined });
    expect(scrape("a 2\nb 2\n", 2000).error).toBeUndefined();
    expect(storage.values('{__name__="a", instance="i", job="j"}')).toEqual([1, 2]);
    expect(counter("pharos_scrape_series_over_budget_total")).toBe(2);
    storage.budget = 0;
    scrape("a 3\nb 3\n", 3000);
    expect(storage.values('{__name__="b", instance="i", job="j"}')).toEqual([3]);
  });
});

describe("metadata", () => {
  test("reaches storage with new series and when it changes", () => {
    scrape("# HELP a_total One.\n# TYPE a_total counter\na_total 1\n", 1000);
    const stored = () => storage.find('{__name__="a_total", instance="i", job="j"}')?.metadata;
    expect(stored()).toEqual({ type: "counter", help: "One.", unit: "" });
    scrape("# HELP a_total Two.\n# TYPE a_total counter\na_total 2\n", 2000);
    expect(stored()).toEqual({ type: "counter", help: "Two.", unit: "" });
    expect([...metadata]).toEqual([["a_total", { type: "counter", help: "Two.", unit: "" }]]);
  });

  test("is kept for ten scrapes after its family is gone", () => {
    scrape("# TYPE a gauge\na 1\nb 1\n", 1000);
    for (let i = 2; i < 12; i++) scrape(`b${i % 2} 1\n`, i * 1000);
    expect(metadata.familyOf("a")).toBeDefined();
    scrape("b9 1\n", 12_000);
    expect(metadata.familyOf("a")).toBeUndefined();
  });

  test("skipped lines count as shown", () => {
    for (let i = 1; i < 30; i++) scrape(`# TYPE a gauge\na 1\nb${i} 1\n`, i * 1000);
    expect(metadata.familyOf("a")).toBeDefined();
  });
});

const NATIVE: IntHistogram = {
  kind: "int",
  counterResetHint: "unknown",
  schema: 2,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 7,
  sum: 3,
  positiveSpans: [{ offset: 0, length: 3 }],
  positiveDeltas: [1, 0, 3],
  negativeSpans: [],
  negativeDeltas: [],
  customValues: [],
};

describe("histograms", () => {
  const family: MetricFamily = {
    name: "h",
    help: "",
    type: "histogram",
    metrics: [
      {
        labels: [],
        buckets: [
          {
            upperBound: 1,
            cumulativeCount: 3,
            exemplar: { labels: Labels.from({ id: "x" }), value: 0.5, timestamp: 700 },
          },
          { upperBound: 2, cumulativeCount: 7 },
        ],
        count: 7,
        sum: 3,
        native: NATIVE,
      },
    ],
  };
  const H = '{__name__="h", instance="i", job="j"}';
  const COUNT = '{__name__="h_count", instance="i", job="j"}';

  test("native ones are taken when the job wants them, with their exemplars", () => {
    start("scrape_native_histograms: true");
    scrape(encode([family], "protobuf"), 1000, "protobuf");
    expect(storage.values(H)).toEqual([NATIVE]);
    expect(storage.find(H)?.exemplars).toMatchObject([{ value: 0.5, timestamp: 700 }]);
    expect(storage.values(COUNT)).toEqual([]);
    start();
    scrape(encode([family], "protobuf"), 1000, "protobuf");
    expect(storage.values(H)).toEqual([]);
    expect(storage.values(COUNT)).toEqual([7]);
    start("{scrape_native_histograms: true, always_scrape_classic_histograms: true}".slice(1, -1));
    scrape(encode([family], "protobuf"), 1000, "protobuf");
    expect([storage.values(H).length, storage.values(COUNT)]).toEqual([1, [7]]);
  });

  test("buckets are merged down to the job's limit, or the scrape fails", () => {
    start("scrape_native_histograms: true, native_histogram_bucket_limit: 2");
    scrape(encode([family], "protobuf"), 1000, "protobuf");
    expect(storage.values(H)).toMatchObject([{ schema: 1, positiveSpans: [{ offset: 0, length: 2 }] }]);
    start("scrape_native_histograms: true, native_histogram_min_bucket_factor: 2");
    scrape(encode([family], "protobuf"), 1000, "protobuf");
    expect(storage.values(H)).toMatchObject([{ schema: 0, count: 7 }]);
    start("convert_classic_histograms_to_nhcb: true, native_histogram_bucket_limit: 1");
    const body =
      '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="2"} 3\nh_bucket{le="+Inf"} 4\nh_sum 3\nh_count 4\n';
    expect(scrape(body, 1000).error?.message).toBe("histogram bucket limit exceeded");
  });

  test("classic ones become native with custom buckets", () => {
    start("convert_classic_histograms_to_nhcb: true");
    const body = (n: number): string =>
      `# TYPE h histogram\nh_bucket{le="1"} ${n}\nh_bucket{le="2"} ${n + 2}\nh_bucket{le="+Inf"} ${n + 3}\nh_sum 3\nh_count ${n + 3}\n# TYPE g gauge\ng 1\n`;
    scrape(body(1), 1000);
    scrape(body(2), 2000);
    expect(storage.values(H)).toMatchObject([
      { schema: -53, count: 4, sum: 3, customValues: [1, 2], positiveDeltas: [1, 1, -1] },
      { schema: -53, count: 5 },
    ]);
    expect(storage.values(COUNT)).toEqual([]);
    expect(storage.values('{__name__="g", instance="i", job="j"}')).toEqual([1, 1]);
  });
});

test("OpenMetrics: exemplars and start times", () => {
  start("", { startTimestamps: true });
  const body = '# TYPE a counter\na_total 1 # {id="x"} 0.5\na_created 5.5\n# EOF\n';
  scrape(body, 9000, "openmetrics");
  const series = storage.find('{__name__="a_total", instance="i", job="j"}');
  expect(series?.exemplars).toMatchObject([{ value: 0.5, timestamp: 9000 }]);
  expect(series?.starts).toEqual([5500]);
  expect(storage.names).toHaveLength(1);
});

test("an exemplar without a time of its own is kept once, as long as it is shown", () => {
  start();
  const shown = (value: number): string => `# TYPE a counter\na_total 1 # {id="x"} ${value}\n# EOF\n`;
  scrape(shown(0.5), 1000, "openmetrics");
  scrape(shown(0.5), 2000, "openmetrics");
  scrape(shown(0.7), 3000, "openmetrics");
  scrape(shown(0.5), 4000, "openmetrics");
  const series = storage.find('{__name__="a_total", instance="i", job="j"}');
  expect(series?.exemplars?.map(({ value, timestamp }) => [value, timestamp])).toEqual([
    [0.5, 1000],
    [0.7, 3000],
    [0.5, 4000],
  ]);
});

test("the sample that breaks a limit of labels counts as scraped, not as relabelled", () => {
  start("label_limit: 3");
  for (const time of [1000, 2000]) {
    const result = scrape('good 1\nbad{a="1",b="2"} 1\nlater 1\n', time);
    expect(result).toMatchObject({ scraped: 2, relabelled: 1 });
    expect(result.error?.message).toContain("label_limit exceeded");
  }
});
