import { parseYaml } from "@pharos/kit";
import { type Appendable, type Appender, AppendResult, type Labels, UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WireWriter } from "../wire-writer.ts";
import { parseOtlpConfig } from "./config.ts";
import { decodeOtlpJson } from "./decode-json.ts";
import { decodeOtlpProtobuf } from "./decode-protobuf.ts";
import { DeltaToCumulative } from "./delta.ts";
import { bucketLayout } from "./histograms.ts";
import { labelName, metricName, unitName } from "./naming.ts";
import { receiveOtlp } from "./translate.ts";

/** A storage that notes what it was given. */
class Notes implements Appendable {
  lines: string[] = [];
  metadata = new Set<string>();

  appender(): Appender {
    const names: string[] = [""];
    const { lines } = this;
    const note = (line: string): AppendResult => {
      lines.push(line);
      return AppendResult.ok;
    };
    return {
      series: (labels: Labels) => names.push(String(labels)) - 1,
      append: (ref, time, value) => note(`${names[ref]} ${time} ${value}`),
      appendStale: (ref, time) => note(`${names[ref]} ${time} stale`),
      appendHistogram: (ref, time, h) =>
        note(
          `${names[ref]} ${time} schema ${h.schema} count ${h.count} sum ${h.sum} spans ${JSON.stringify(h.positiveSpans.map(({ offset, length }) => [offset, length]))} ${"positiveDeltas" in h ? h.positiveDeltas : ""}`,
        ),
      appendStartTimestamp: () => AppendResult.ok,
      appendExemplar: (ref, { labels, value, timestamp }) =>
        note(`${names[ref]} exemplar ${labels} ${timestamp} ${value}`),
      updateMetadata: (ref, { type, help, unit }) => void this.metadata.add(`${names[ref]} ${type} ${help} ${unit}`),
      commit: () => {},
      rollback: () => void (lines.length = 0),
    };
  }
}

const point = (more: object) => ({ timeUnixNano: "1700000000123999999", ...more });
const attribute = (key: string, value: object) => ({ key, value });
const request = (metrics: object[], resource: object[] = [attribute("service.name", { stringValue: "app" })]) =>
  Buffer.from(
    JSON.stringify({
      resourceMetrics: [
        {
          resource: { attributes: resource },
          scopeMetrics: [
            {
              scope: { name: "lib", version: "1", attributes: [attribute("a.b", { stringValue: "c" })] },
              schemaUrl: "u",
              metrics,
            },
          ],
        },
      ],
    }),
  );

function take(body: Buffer, yaml = "{}", allowDelta = false) {
  const notes = new Notes();
  const outcome = receiveOtlp(notes, decodeOtlpJson(body), {
    config: parseOtlpConfig(parseYaml(yaml, "test.yml"), false),
    allowDelta,
    typeAndUnitLabels: false,
    lookbackMs: 300_000,
    maxTime: 1_800_000_000_000,
  });
  return { notes, outcome, lines: notes.lines };
}

test("numbers with names, units, job and instance; target_info; scope", () => {
  const resource = [
    attribute("service.name", { stringValue: "app" }),
    attribute("service.namespace", { stringValue: "shop" }),
    attribute("service.instance.id", { stringValue: "i-1" }),
    attribute("host.name", { stringValue: "h" }),
  ];
  const metrics = [
    {
      name: "http.requests",
      unit: "{request}",
      description: "How many.",
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [
          point({
            asInt: "12",
            attributes: [attribute("http.method", { stringValue: "GET" }), attribute("n", { intValue: "5" })],
            exemplars: [{ timeUnixNano: "1700000000000000000", asDouble: 3, traceId: "0AF0", spanId: "00" }],
          }),
        ],
      },
    },
    { name: "cpu.usage", unit: "1", gauge: { dataPoints: [point({ asDouble: 0.5, flags: 1 })] } },
  ];
  const { lines, notes, outcome } = take(
    request(metrics, resource),
    "{promote_resource_attributes: [host.name], promote_scope_metadata: true}",
  );
  const scope = 'otel_scope_a_b="c", otel_scope_name="lib", otel_scope_schema_url="u", otel_scope_version="1"';
  const counter = `{__name__="http_requests_total", host_name="h", http_method="GET", instance="i-1", job="shop/app", n="5", ${scope}}`;
  expect(lines).toEqual([
    `${counter} 1700000000123 12`,
    `${counter} exemplar {trace_id="0af0"} 1700000000000 3`,
    `{__name__="cpu_usage_ratio", host_name="h", instance="i-1", job="shop/app", ${scope}} 1700000000123 stale`,
    '{__name__="target_info", host_name="h", instance="i-1", job="shop/app"} 1700000000123 1',
  ]);
  expect(notes.metadata).toContain(`${counter} counter How many. `);
  expect(outcome).toMatchObject({ samples: 3, refused: 0, faults: [] });
});

test("histograms: classic, with custom buckets, exponential; summaries", () => {
  const histogram = {
    name: "latency",
    unit: "s",
    histogram: {
      aggregationTemporality: "AGGREGATION_TEMPORALITY_CUMULATIVE",
      dataPoints: [
        point({
          count: "6",
          sum: 7.5,
          bucketCounts: ["0", "2", "4"],
          explicitBounds: [0.5, 10],
          exemplars: [{ asInt: "7" }],
        }),
      ],
    },
  };
  const job = 'job="app"';
  expect(take(request([histogram])).lines).toEqual([
    `{__name__="latency_seconds_sum", ${job}} 1700000000123 7.5`,
    `{__name__="latency_seconds_count", ${job}} 1700000000123 6`,
    `{__name__="latency_seconds_bucket", ${job}, le="0.5"} 1700000000123 0`,
    `{__name__="latency_seconds_bucket", ${job}, le="10"} 1700000000123 2`,
    `{__name__="latency_seconds_bucket", ${job}, le="10"} exemplar {} undefined 7`,
    `{__name__="latency_seconds_bucket", ${job}, le="+Inf"} 1700000000123 6`,
  ]);
  expect(take(request([histogram]), "{convert_histograms_to_nhcb: true}").lines[0]).toBe(
    `{__name__="latency_seconds", ${job}} 1700000000123 schema -53 count 6 sum 7.5 spans [[1,2]] 2,2`,
  );
  const exponential = {
    name: "e",
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [
        point({ count: 4, sum: 9, scale: 9, zeroCount: "1", positive: { offset: 2, bucketCounts: ["1", "0", "2"] } }),
      ],
    },
  };
  // Two buckets become one: 2 and 3 are bucket 1, 4 is bucket 2, both one higher here.
  expect(take(request([exponential])).lines).toEqual([
    `{__name__="e", ${job}} 1700000000123 schema 8 count 4 sum 9 spans [[2,2]] 1,1`,
  ]);
  const summary = {
    name: "s",
    summary: { dataPoints: [point({ count: 2, sum: 3, quantileValues: [{ quantile: 0.99, value: 1.5 }] })] },
  };
  expect(take(request([summary])).lines).toEqual([
    `{__name__="s_sum", ${job}} 1700000000123 3`,
    `{__name__="s_count", ${job}} 1700000000123 2`,
    `{__name__="s", ${job}, quantile="0.99"} 1700000000123 1.5`,
  ]);
});

test("delta metrics are refused, stored, or added up", () => {
  const body = (value: number, seconds: number, start = 1) =>
    request([
      {
        name: "d",
        sum: {
          aggregationTemporality: 1,
          isMonotonic: true,
          dataPoints: [{ timeUnixNano: `${seconds}000000000`, startTimeUnixNano: `${start}000000000`, asInt: value }],
        },
      },
    ]);
  expect(take(body(1, 10)).outcome.faults).toEqual(['invalid temporality and type combination for metric "d"']);
  expect(take(body(1, 10), "{}", true).lines).toEqual(['{__name__="d_total", job="app"} 10000 1']);
  const sums = new DeltaToCumulative();
  const valuesOf = (bytes: Buffer) => {
    const [{ scopes }] = sums.convert(decodeOtlpJson(bytes), 0);
    const { data } = scopes[0].metrics[0];
    return data?.type === "sum" ? data.points.map(({ value, time, start }) => [value, time, start]) : [];
  };
  expect(valuesOf(body(3, 10))).toEqual([[3, 10_000, 1000]]);
  expect(valuesOf(body(4, 20, 10))).toEqual([[7, 20_000, 1000]]);
  expect(valuesOf(body(4, 20, 10))).toEqual([]);
  expect(valuesOf(body(1, 30, 20))).toEqual([[8, 30_000, 1000]]);
});

test("collisions, empty metrics and refusals are told, the rest is kept", () => {
  const collide = [attribute("a.b", { stringValue: "1" }), attribute("a_b", { stringValue: "2" })];
  const { lines, outcome } = take(
    request([
      { name: "none", gauge: { dataPoints: [] } },
      { name: "c", gauge: { dataPoints: [point({ asInt: 1, attributes: collide })] } },
      { name: "late", gauge: { dataPoints: [{ timeUnixNano: "1900000000000000000", asInt: 1 }] } },
      { name: "?" },
    ]),
  );
  expect(lines).toEqual(['{__name__="c", a_b="1;2", job="app"} 1700000000123 1']);
  expect(outcome.warnings.map(({ category }) => category)).toEqual(["empty_data_points", "label_name_collision"]);
  expect(outcome.refused).toBe(1);
  expect(outcome.faults).toEqual(["unsupported metric type"]);
});

test("names under each strategy", () => {
  const escaped = { utf8: false, suffixes: true };
  for (const [name, unit, type, wanted] of [
    ["system.io", "By/s", "gauge", "system_io_bytes_per_second"],
    ["system.filesystem.usage", "By", "gauge", "system_filesystem_usage_bytes"],
    ["hits_total", "", "counter", "hits_total"],
    ["total.hits", "", "counter", "hits_total"],
    ["queue.ratio", "1", "gauge", "queue_ratio"],
    ["3.loads", "", "other", "_3_loads"],
    ["temp", "foo-bar/{x}", "other", "temp_foo_bar"],
    ["a_bytes.per_second", "By/s", "other", "a_bytes_per_second_per_second"],
  ] as const) {
    expect(metricName({ name, unit, type }, escaped)).toBe(wanted);
  }
  expect(metricName({ name: "a.b__c", unit: "By", type: "counter" }, { utf8: false, suffixes: false })).toBe("a_b__c");
  const utf8 = { utf8: true, suffixes: true };
  expect(metricName({ name: "a.b", unit: "By/s", type: "counter" }, utf8)).toBe("a.b_bytes_per_second_total");
  expect(metricName({ name: "a.b.total", unit: "", type: "counter" }, utf8)).toBe("a.b_total");
  expect(metricName({ name: "a.b", unit: "s", type: "gauge" }, { utf8: true, suffixes: false })).toBe("a.b");
  expect(() => metricName({ name: "..", unit: "", type: "other" }, escaped)).toThrow("resulted in empty name");
  expect(unitName("By/s")).toBe("bytes_per_second");
  const keep = { utf8: false, underscoreSanitization: true, preserveMultipleUnderscores: true };
  expect(["a.b", "1a", "_x", "__x__", "a..b"].map((name) => labelName(name, keep))).toEqual([
    "a_b",
    "key_1a",
    "key_x",
    "__x__",
    "a__b",
  ]);
  const collapse = { ...keep, preserveMultipleUnderscores: false, underscoreSanitization: false };
  expect(["a..b", "_x", "__x.y__"].map((name) => labelName(name, collapse))).toEqual(["a_b", "_x", "__x_y__"]);
  expect(() => labelName("__", keep)).toThrow("resulted in invalid name");
});

test("protobuf says what JSON says", () => {
  const out = new WireWriter();
  const inside = (field: number, write: () => void): void => {
    const start = out.begin(field);
    write();
    out.end(start);
  };
  const fixed = (field: number, value: bigint): void =>
    out.words(field, Number(value >> 32n), Number(value & 0xffffffffn));
  inside(1, () => {
    inside(1, () =>
      inside(1, () => {
        out.string(1, "service.name");
        inside(2, () => out.string(1, "app"));
      }),
    );
    inside(2, () => {
      inside(1, () => out.string(1, "lib"));
      inside(2, () => {
        out.string(1, "m");
        inside(7, () => {
          inside(1, () => {
            fixed(3, 1700000000123999999n);
            fixed(6, BigInt.asUintN(64, -7n));
            inside(7, () => {
              out.string(1, "list");
              inside(2, () => inside(5, () => inside(1, () => out.int64(3, -3))));
            });
          });
          out.uint(2, 2);
        });
      });
    });
  });
  const [{ attributes, scopes }] = decodeOtlpProtobuf(out.copy());
  expect(attributes).toEqual([["service.name", "app"]]);
  expect(scopes[0].metrics[0].data).toEqual({
    type: "sum",
    temporality: 2,
    monotonic: false,
    points: [
      { attributes: [["list", "[-3]"]], start: 0, time: 1700000000123, noValue: false, value: -7, exemplars: [] },
    ],
  });
});

test("layout of buckets: gaps of more than two begin a span", () => {
  expect(bucketLayout([1, 0, 0, 2, 0, 0, 0, 5], 3, 0, true)).toEqual({
    spans: [
      { offset: 4, length: 4 },
      { offset: 3, length: 1 },
    ],
    deltas: [1, -1, 0, 2, 3],
  });
});

test("property: garbage is a UserError", () => {
  const decoders = [decodeOtlpProtobuf, decodeOtlpJson];
  const check = (bytes: Buffer): void => {
    for (const decode of decoders) {
      try {
        new DeltaToCumulative().convert(decode(bytes), 0);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => check(Buffer.from(garbage))),
    { numRuns: 500, seed: 7 },
  );
  fc.assert(
    fc.property(fc.json(), (text) => check(Buffer.from(`{"resourceMetrics":[${text}]}`))),
    { numRuns: 200, seed: 8 },
  );
});
