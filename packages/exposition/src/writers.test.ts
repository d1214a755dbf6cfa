import { Labels } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode } from "./encode.ts";
import type { MetricFamily } from "./family.ts";
import { escapeName, unescapeName } from "./names.ts";
import { negotiate } from "./negotiate.ts";
import { formatFloat, formatOpenMetricsFloat } from "./number.ts";
import { parseFamilies } from "./parse-families.ts";

test("Go's number forms", () => {
  expect(
    [0, -0, 1, 1e6, 123456, 1150976, 0.0001, 0.00001, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21].map(formatFloat),
  ).toEqual(["0", "0", "1", "1e+06", "123456", "1.150976e+06", "0.0001", "1e-05", "1.5", "NaN", "+Inf", "1e+21"]);
  expect([1, 0.5, 1e6, Number.NEGATIVE_INFINITY].map(formatOpenMetricsFloat)).toEqual(["1.0", "0.5", "1e+06", "-Inf"]);
});

describe("negotiation", () => {
  const PROMETHEUS =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  const PROTOBUF =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.1";

  test.each([
    [undefined, "text", "underscores"],
    ["", "text", "underscores"],
    ["application/json", "text", "underscores"],
    ["*/*", "text", "underscores"],
    ["text/plain;q=0.4,application/openmetrics-text;version=1.0.0;q=0.5", "openmetrics", "underscores"],
    [PROMETHEUS, "openmetrics", "allow-utf-8"],
    [PROTOBUF, "protobuf", "underscores"],
    ["application/openmetrics-text;version=9.9.9, text/plain;q=0.1", "text", "underscores"],
    ["application/openmetrics-text;q=0", "text", "underscores"],
  ] as const)("%s", (accept, format, escaping) => {
    expect(negotiate(accept)).toMatchObject({ format, escaping });
  });

  test("an exporter offers what it has, and answers the version it was asked for", () => {
    expect(negotiate(PROMETHEUS, ["protobuf", "text"])).toMatchObject({ format: "text", escaping: "allow-utf-8" });
    expect(negotiate("application/openmetrics-text").contentType).toContain("version=0.0.1");
    expect(negotiate(PROMETHEUS).contentType).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    );
  });
});

describe("names", () => {
  test.each([
    ["a.b/c", "a_b_c", "a_dot_b__c", "U__a_2e_b_2f_c"],
    ["no_change:1", "no_change:1", "no__change:1", "no_change:1"],
    ["1a", "_a", "__a", "U___31_a"],
    ["a.b_c", "a_b_c", "a_dot_b__c", "U__a_2e_b__c"],
    ["ü", "_", "__", "U___fc_"],
  ])("%s", (name, underscores, dots, values) => {
    expect([escapeName(name, "underscores"), escapeName(name, "dots"), escapeName(name, "values")]).toEqual([
      underscores,
      dots,
      values,
    ]);
    expect(unescapeName(values, "values")).toBe(name);
  });

  test("what is no escaped name stays", () => {
    for (const name of ["U__a_zz_", "U__a_", "a_2e_b", "U___110000_", "U___d800_"]) {
      expect(unescapeName(name, "values")).toBe(name);
    }
  });

  test("any name survives the values scheme", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
        fc.pre(name.isWellFormed() && !name.startsWith("U__"));
        expect(unescapeName(escapeName(name, "values"), "values")).toBe(name);
        expect(escapeName(name, "values")).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

const exemplar = { labels: Labels.from({ id: "x" }), value: 0.5, timestamp: 1500 };
const FAMILIES: MetricFamily[] = [
  {
    name: "a_total",
    help: 'A "quoted" \\ help.',
    type: "counter",
    metrics: [{ labels: ["x", 'q"\n'], value: 1e6, startTimestamp: 1000, exemplar }],
  },
  { name: "odd", help: "", type: "counter", metrics: [{ labels: [], value: 1 }] },
  {
    name: "h",
    help: "",
    type: "histogram",
    metrics: [
      {
        labels: [],
        buckets: [{ upperBound: 1, cumulativeCount: 2, exemplar }],
        count: 3000000,
        sum: 4.5,
        startTimestamp: 2000,
      },
    ],
  },
  {
    name: "gh",
    help: "",
    type: "gaugehistogram",
    metrics: [{ labels: [], buckets: [{ upperBound: 1, cumulativeCount: 2 }], count: 3, sum: 4.5 }],
  },
  {
    name: "s",
    help: "S.",
    type: "summary",
    metrics: [{ labels: ["l", "v"], quantiles: [{ quantile: 0.5, value: 1 }], count: 1, sum: 1, timestamp: 2500 }],
  },
  { name: "build_info", help: "", type: "info", metrics: [{ labels: ["v", "1"], value: 1 }] },
  { name: "dotted.name", help: "", type: "gauge", unit: "", metrics: [{ labels: ["some.label", "v"], value: 2 }] },
];
const written = (format: "text" | "openmetrics", escaping?: "allow-utf-8"): string =>
  Buffer.from(encode(FAMILIES, format, escaping)).toString();

test("text 0.0.4", () => {
  expect(written("text")).toBe(`# HELP a_total A "quoted" \\\\ help.
# TYPE a_total counter
a_total{x="q\\"\\n"} 1e+06
# TYPE odd counter
odd 1
# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 3e+06
h_sum 4.5
h_count 3e+06
# TYPE gh histogram
gh_bucket{le="1"} 2
gh_bucket{le="+Inf"} 3
gh_sum 4.5
gh_count 3
# HELP s S.
# TYPE s summary
s{l="v",quantile="0.5"} 1 2500
s_sum{l="v"} 1 2500
s_count{l="v"} 1 2500
# TYPE build_info gauge
build_info{v="1"} 1
# TYPE dotted_name gauge
dotted_name{some_label="v"} 2
`);
});

test("OpenMetrics 1.0", () => {
  expect(written("openmetrics", "allow-utf-8")).toBe(`# HELP a A \\"quoted\\" \\\\ help.
# TYPE a counter
a_total{x="q\\"\\n"} 1e+06 # {id="x"} 0.5 1.5
a_created{x="q\\"\\n"} 1.0
# TYPE odd unknown
odd 1.0
# TYPE h histogram
h_bucket{le="1.0"} 2 # {id="x"} 0.5 1.5
h_bucket{le="+Inf"} 3000000
h_sum 4.5
h_count 3000000
h_created 2.0
# TYPE gh gaugehistogram
gh_bucket{le="1.0"} 2
gh_bucket{le="+Inf"} 3
gh_gsum 4.5
gh_gcount 3
# HELP s S.
# TYPE s summary
s{l="v",quantile="0.5"} 1.0 2.5
s_sum{l="v"} 1.0 2.5
s_count{l="v"} 1 2.5
# TYPE build info
build_info{v="1"} 1.0
# TYPE "dotted.name" gauge
{"dotted.name","some.label"="v"} 2.0
# EOF
`);
});

describe("the strict reader", () => {
  test("gives back what was written, in every format", () => {
    const simple = FAMILIES.filter(({ name }) => name !== "dotted.name" && name !== "odd");
    const strip = (families: MetricFamily[]): unknown => JSON.parse(JSON.stringify(families));
    const withInfinity = simple.map((family) =>
      family.type === "histogram" || family.type === "gaugehistogram"
        ? {
            ...family,
            metrics: family.metrics.map((metric) => ({
              ...metric,
              buckets: [...metric.buckets, { upperBound: Number.POSITIVE_INFINITY, cumulativeCount: metric.count }],
            })),
          }
        : family,
    ) as MetricFamily[];
    expect(strip(parseFamilies(encode(simple, "openmetrics"), "openmetrics"))).toEqual(strip(withInfinity));
    const protobuf = parseFamilies(encode(withInfinity, "protobuf"), "protobuf");
    expect(encode(protobuf, "protobuf")).toEqual(
      encode(parseFamilies(encode(protobuf, "protobuf"), "protobuf"), "protobuf"),
    );
    const text = parseFamilies(encode(FAMILIES, "text"), "text");
    expect(Buffer.from(encode(text, "text")).toString()).toBe(written("text"));
  });

  test.each([
    ["text", "# TYPE a gauge\n# TYPE a gauge\n", "second TYPE line"],
    ["text", "a 1\n# TYPE a gauge\n", "TYPE reported after samples"],
    ["text", "a 1\na 2\n", "is given twice"],
    ["openmetrics", "# TYPE a counter\na 1\n# EOF\n", "must be named a_total or a_created"],
    ["openmetrics", "# TYPE a counter\na_total -1\n# EOF\n", "must not be negative"],
    ["openmetrics", '# TYPE a gauge\na 1\nb 1\na{c="d"} 2\n# EOF\n', "is interrupted by another"],
    ["openmetrics", '# TYPE h histogram\nh_bucket{le="1"} 1\n# EOF\n', "has no +Inf bucket"],
    ["openmetrics", '# TYPE a gauge\na 1 # {x="y"} 1\n# EOF\n', "must not have an exemplar"],
    ["openmetrics", 'a{b="c",} 1\n# EOF\n', "expected label name"],
  ] as const)("%s: %j", (format, body, message) => {
    expect(() => parseFamilies(Buffer.from(body), format)).toThrow(message);
  });
});
