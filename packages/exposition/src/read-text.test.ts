import { UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode } from "./encode.ts";
import type { MetricFamily } from "./family.ts";
import { negotiate } from "./negotiate.ts";
import { formatFloat, formatOpenMetricsFloat } from "./number.ts";
import { TextReader } from "./read-text.ts";

function read(text: string, openMetrics = false) {
  const reader = new TextReader(Buffer.from(text), openMetrics);
  const out: unknown[] = [];
  for (;;) {
    const kind = reader.next();
    if (kind === "end") return out;
    if (kind === "series") out.push([String(reader.labels()), reader.value, reader.timestamp]);
    else if (kind === "type") out.push(["type", reader.metric, reader.type]);
    else out.push([kind, reader.metric, reader.text]);
  }
}

describe("text 0.0.4", () => {
  test("reads names, labels, escapes, values, timestamps, metadata", () => {
    const text = [
      "# HELP a_total Says \\n \\\\ things.",
      "# TYPE a_total counter",
      "# just a comment",
      "",
      'a_total{x="1",y="say \\"hi\\"\\n",} 1.5e3 1700000000000',
      "  b\t-Inf",
      'c { z = "" } NaN',
      '{"d.e","k.l"="m"} 7',
      "f{} 0x",
    ];
    expect(read(text.slice(0, -1).join("\n"))).toEqual([
      ["help", "a_total", "Says \n \\ things."],
      ["type", "a_total", "counter"],
      ['{__name__="a_total", x="1", y="say \\"hi\\"\\n"}', 1500, 1_700_000_000_000],
      ['{__name__="b"}', Number.NEGATIVE_INFINITY, undefined],
      ['{__name__="c"}', Number.NaN, undefined],
      ['{__name__="d.e", "k.l"="m"}', 7, undefined],
    ]);
    expect(() => read(text.join("\n"))).toThrow('strconv.ParseFloat: parsing "0x"');
  });

  test("brings le and quantile into one form", () => {
    expect(
      read('h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\ns{quantile="0.50"} 3\n').map((entry) => (entry as string[])[0]),
    ).toEqual([
      '{__name__="h_bucket", le="1.0"}',
      '{__name__="h_bucket", le="+Inf"}',
      '{__name__="s", quantile="0.5"}',
    ]);
  });

  test.each([
    ["a{b='c'} 1", "expected label value"],
    ['a{,b="c"} 1', "expected label name"],
    ['a{b="c" d="e"} 1', "expected comma or brace close"],
    ['a{b="c', "unclosed string"],
    ["a 1 2 3", "expected next entry after value"],
    ["a 1.5 1.5", "whole number"],
    ["a", "expected value after metric"],
    ["1a 1", "expected a valid start token"],
    ['{a="b"} 1', "metric name not set"],
    ["a 1_2", "strconv.ParseFloat"],
    ["# TYPE a nonsense", "invalid metric type"],
    ["a 1\r\n", "invalid syntax"],
  ])("refuses %j", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test("says where", () => {
    const error = (() => {
      try {
        read("ok 1\nbad{ 1\n");
      } catch (caught) {
        return caught as UserError;
      }
      throw new Error("nothing was thrown");
    })();
    expect(error.where.line).toBe(2);
    expect(error.message).toContain('"bad{ 1"');
  });

  test("numbers are exactly what Number reads", () => {
    for (const text of [
      "0",
      "1",
      "-0",
      "0.1",
      "123456789012345",
      "1234567890123456789",
      "0.000001",
      "-12.75",
      "1e-7",
      "5.",
      ".5",
    ]) {
      const reader = new TextReader(Buffer.from(`a ${text}\n`), false);
      reader.next();
      expect(Object.is(reader.value, Number(text)), text).toBe(true);
    }
  });
});

test("a known series is skipped by its bytes, an unknown one is not", () => {
  const reader = new TextReader(Buffer.from('a{b="c"} 1\na{b="c"} 2 5\na{b="cd"} 3\n'), false);
  const known = Buffer.from('a{b="c"}');
  expect([reader.skipSeries(known), reader.value]).toEqual([true, 1]);
  expect([reader.skipSeries(known), reader.value, reader.timestamp]).toEqual([true, 2, 5]);
  expect(reader.skipSeries(known)).toBe(false);
  expect(reader.next()).toBe("series");
  expect(reader.labels().get("b")).toBe("cd");
});

describe("OpenMetrics", () => {
  test("reads units, float timestamps, exemplars; needs its end", () => {
    const reader = new TextReader(
      Buffer.from('# TYPE a counter\n# UNIT a seconds\na_total 1 1.5 # {id="x"} 0.5 1.25\n# EOF\n'),
      true,
    );
    expect([reader.next(), reader.next(), reader.text, reader.next()]).toEqual(["type", "unit", "seconds", "series"]);
    expect(reader.timestamp).toBe(1500);
    expect(reader.exemplar).toMatchObject({ value: 0.5, timestamp: 1250 });
    expect(reader.next()).toBe("end");
    expect(() => read("a 1\n", true)).toThrow("# EOF");
    expect(() => read("# EOF\na 1\n", true)).toThrow("after # EOF");
    expect(() => read("\n# EOF\n", true)).toThrow("empty line");
  });
});

test("Go's number forms", () => {
  expect([0, -0, 1, 1e6, 123456, 1150976, 0.0001, 0.00001, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map(formatFloat)).toEqual([
    "0", "-0", "1", "1e+06", "123456", "1.150976e+06", "0.0001", "1e-05", "1.5", "NaN", "+Inf",
  ]); // biome-ignore format: a list
  expect([1, 0.5, 1e6].map(formatOpenMetricsFloat)).toEqual(["1.0", "0.5", "1e+06"]);
});

test("negotiation", () => {
  expect(negotiate().format).toBe("text");
  expect(negotiate("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4").format).toBe("openmetrics");
  expect(
    negotiate("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,*/*;q=0.1")
      .format,
  ).toBe("protobuf");
  expect(negotiate("application/json").format).toBe("text");
});

const FAMILIES: MetricFamily[] = [
  {
    name: "a_total",
    help: 'A "quoted" \\ help.',
    type: "counter",
    metrics: [{ labels: ["x", 'q"\n'], value: 1e6, startTimestamp: 1000 }],
  },
  {
    name: "h",
    help: "",
    type: "histogram",
    metrics: [{ labels: [], buckets: [{ upperBound: 1, cumulativeCount: 2 }], count: 3, sum: 4.5 }],
  },
  {
    name: "s",
    help: "S.",
    type: "summary",
    metrics: [{ labels: ["l", "v"], quantiles: [{ quantile: 0.5, value: 1 }], count: 1, sum: 1 }],
  },
];

test("what is written can be read again, in both text forms", () => {
  const series = (format: "text" | "openmetrics") =>
    read(Buffer.from(encode(FAMILIES, format)).toString(), format === "openmetrics").filter((entry) =>
      String((entry as string[])[0]).startsWith("{"),
    );
  const text = series("text").map((entry) => (entry as unknown[]).slice(0, 2));
  expect(text).toContainEqual(['{__name__="a_total", x="q\\"\\n"}', 1e6]);
  expect(text).toContainEqual(['{__name__="h_bucket", le="+Inf"}', 3]);
  expect(series("openmetrics").map((entry) => (entry as unknown[])[0])).toContain(
    '{__name__="a_created", x="q\\"\\n"}',
  );
  expect(encode(FAMILIES, "protobuf").length).toBeGreaterThan(50);
});

test("fuzz: any bytes are read or refused with a UserError", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom('a{b="c"} 1', "# TYPE a counter", "a 1 2", "# EOF", 'a{"b"} 1'),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.boolean(), (lines, openMetrics) => {
      try {
        read(lines.join("\n"), openMetrics);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});
