import { type IntHistogram, Labels, UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CustomBucketsReader } from "./custom-buckets.ts";
import { encode } from "./encode.ts";
import type { HistogramMetric, MetricFamily } from "./family.ts";
import { OpenMetricsReader } from "./read-openmetrics.ts";
import { ProtobufReader } from "./read-protobuf.ts";
import { TextReader } from "./read-text.ts";
import type { ExpositionReader } from "./reader.ts";

function readAll(reader: ExpositionReader): unknown[] {
  const out: unknown[] = [];
  for (;;) {
    const kind = reader.next();
    if (kind === "end") return out;
    if (kind === "series") out.push([String(reader.labels()), reader.value, reader.timestamp]);
    else if (kind === "histogram") out.push([String(reader.labels()), reader.histogram, reader.timestamp]);
    else if (kind === "type") out.push(["type", reader.metric, reader.type]);
    else if (kind !== "comment") out.push([kind, reader.metric, reader.text]);
  }
}
const text = (body: string): unknown[] => readAll(new TextReader(Buffer.from(body)));
const openMetrics = (body: string): unknown[] => readAll(new OpenMetricsReader(Buffer.from(body)));
const names = (entries: unknown[]): unknown[] => entries.map((entry) => (entry as unknown[])[0]);

describe("text 0.0.4", () => {
  test("reads names, labels, escapes, values, timestamps, metadata", () => {
    const lines = [
      "# HELP a_total Says \\n \\\\ things.",
      "# \tTYPE a_total counter",
      "# just a comment",
      "#",
      "",
      'a_total{x="1",y="say \\"hi\\"\\n\\d",} 1.5e3 1700000000000',
      "b\t-Inf",
      'c { z = "" p = "q" } NaN',
      '{"d.e","k.l"="m"} 7',
      "e{} 5.",
      "f +inf",
      "g .5",
      'h{a="\u0000b"} -0',
      "# HELP nohelp",
    ];
    expect(text(lines.join("\n"))).toEqual([
      ["help", "a_total", "Says \n \\ things."],
      ["type", "a_total", "counter"],
      ['{__name__="a_total", x="1", y="say \\"hi\\"\\n\\\\d"}', 1500, 1_700_000_000_000],
      ['{__name__="b"}', Number.NEGATIVE_INFINITY, undefined],
      ['{__name__="c", p="q"}', Number.NaN, undefined],
      ['{__name__="d.e", "k.l"="m"}', 7, undefined],
      ['{__name__="e"}', 5, undefined],
      ['{__name__="f"}', Number.POSITIVE_INFINITY, undefined],
      ['{__name__="g"}', 0.5, undefined],
      ['{__name__="h", a="\\u0000b"}', -0, undefined],
      ["help", "nohelp", ""],
    ]);
  });

  test("brings le and quantile into one form, by the family's type", () => {
    const body =
      '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_bucket{le="x"} 2\n# TYPE s summary\ns{quantile="0.50"} 3\ns{le="1"} 3\n';
    expect(names(text(body))).toEqual([
      "type",
      '{__name__="h_bucket", le="1.0"}',
      '{__name__="h_bucket", le="+Inf"}',
      '{__name__="h_bucket", le="x"}',
      "type",
      '{__name__="s", quantile="0.5"}',
      '{__name__="s", le="1"}',
    ]);
  });

  test.each([
    ["a{b='c'} 1", `expected label value, got "'" ("INVALID") while parsing: "a{b='"`],
    ['a{,b="c"} 1', `expected label name, got ",b" ("COMMA") while parsing: "a{,b"`],
    ["a 1 2 3", `expected next entry after timestamp, got "3\\n" ("TIMESTAMP") while parsing: "a 1 2 3\\n"`],
    ["a 1 -5", `expected timestamp or new record, got "-" ("INVALID") while parsing: "a 1 -"`],
    ["a", `expected value after metric, got "\\n" ("INVALID") while parsing: "a\\n"`],
    ["1a 1", `expected a valid start token, got "1" ("INVALID") while parsing: "1"`],
    ['{a="b"} 1', `metric name not set while parsing: "{a=\\"b\\"} 1"`],
    ['{"a","b"} 1', `metric name already set while parsing: "{\\"a\\",\\"b\\"}"`],
    ["a 1_2", `unsupported character in float while parsing: "a 1_2"`],
    ["a 0b1", `strconv.ParseFloat: parsing "0b1": invalid syntax while parsing: "a 0b1"`],
    ["a 1e999", `strconv.ParseFloat: parsing "1e999": value out of range while parsing: "a 1e999"`],
    [
      "a 1 99999999999999999999",
      `strconv.ParseInt: parsing "99999999999999999999": value out of range while parsing: "a 1 99999999999999999999"`,
    ],
    ["# TYPE a nonsense", `invalid metric type "nonsense"`],
    ["# TYPE a constructor", `invalid metric type "constructor"`],
    ["a 1\r\n", `strconv.ParseFloat: parsing "1\\r": invalid syntax while parsing: "a 1\\r"`],
  ])("refuses %j", (body, message) => {
    expect(() => text(body)).toThrow(message);
  });

  test("bytes that are no UTF-8", () => {
    const value = Buffer.concat([Buffer.from('a{b="'), Buffer.of(0xff), Buffer.from('"} 1\n')]);
    expect(() => readAll(new TextReader(value))).toThrow('invalid UTF-8 label value: "\\"\\xff\\""');
    const help = Buffer.concat([Buffer.from("# HELP a "), Buffer.of(0xc3)]);
    expect(() => readAll(new TextReader(help))).toThrow('help text "\\xc3" is not a valid utf8 string');
  });

  test("says where", () => {
    const error = (() => {
      try {
        text("ok 1\nbad{ 1\n");
      } catch (caught) {
        return caught as UserError;
      }
      throw new Error("nothing was thrown");
    })();
    expect(error.where).toEqual({ line: 2, column: 6 });
  });

  test("numbers are exactly what Number reads", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(17), (value, digits) => {
        for (const written of [String(value), value.toPrecision(digits + 1), value.toFixed(Math.min(digits, 20))]) {
          if (!Number.isFinite(Number(written))) continue;
          const reader = new TextReader(Buffer.from(`a ${written}\n`));
          reader.next();
          expect(Object.is(reader.value, Number(written)), written).toBe(true);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("a known series costs only its value", () => {
    const reader = new TextReader(Buffer.from('a{b="c"} 1\na{b="c"} \t2 5\na{b="c"} 1 x\na{b="c"} 1e5\n'));
    expect([reader.readSample(0, 8), reader.value, reader.timestamp]).toEqual([true, 1, undefined]);
    const second = reader.offset;
    expect([reader.readSample(second, second + 8), reader.value, reader.timestamp]).toEqual([true, 2, 5]);
    reader.readLine();
    expect([String(reader.labels()), reader.value, reader.timestamp]).toEqual(['{__name__="a", b="c"}', 2, 5]);
    const third = reader.offset;
    expect(reader.readSample(third, third + 8)).toBe(false);
    expect(reader.offset).toBe(third);
    expect(() => reader.next()).toThrow("expected timestamp or new record");
  });
});

describe("OpenMetrics", () => {
  test("reads units, float timestamps, exemplars; needs its end", () => {
    const reader = new OpenMetricsReader(
      Buffer.from(
        '# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1 1.5 # {id="x\\"y"} 0.5 1.25\n# EOF\n',
      ),
    );
    expect([reader.next(), reader.next(), reader.text, reader.next()]).toEqual(["type", "unit", "seconds", "series"]);
    expect(reader.timestamp).toBe(1500);
    expect(reader.exemplars).toEqual([{ labels: Labels.from({ id: 'x"y' }), value: 0.5, timestamp: 1250 }]);
    expect(() => openMetrics("a 1\n")).toThrow("data does not end with # EOF");
    expect(() => openMetrics("# EOF\na 1\n")).toThrow("unexpected data after # EOF");
    expect(() => openMetrics("\n# EOF\n")).toThrow("expected a valid start token");
    expect(() => openMetrics("a 1 Inf\n# EOF\n")).toThrow("invalid timestamp +Inf");
  });

  test("start times are looked up ahead, for the metric's own samples only", () => {
    const body =
      '# TYPE h histogram\nh_bucket{a="1",le="+Inf"} 1\nh_count{a="1"} 1\nh_created{a="1"} 2.5\nh_bucket{a="2",le="+Inf"} 1\n# TYPE g gauge\ng 1\n# EOF\n';
    const reader = new OpenMetricsReader(Buffer.from(body), { skipCreated: true });
    const starts: unknown[] = [];
    for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
      if (kind === "series") starts.push([reader.labels().metricName, reader.startTimestamp(), reader.value]);
    }
    expect(starts).toEqual([
      ["h_bucket", 2500, 1],
      ["h_count", 2500, 1],
      ["h_bucket", 0, 1],
      ["g", 0, 1],
    ]);
  });
});

const FAMILY: MetricFamily = {
  name: "h",
  help: "A help.",
  unit: "u",
  type: "histogram",
  metrics: [
    {
      labels: ["a", "ü"],
      timestamp: 1234,
      startTimestamp: 1500,
      count: 10,
      sum: 2.5,
      buckets: [
        { upperBound: 1, cumulativeCount: 4, exemplar: { labels: Labels.from({ i: "d" }), value: 0.5, timestamp: 99 } },
      ],
      native: {
        kind: "int",
        counterResetHint: "unknown",
        schema: 1,
        zeroThreshold: 0.5,
        zeroCount: 2,
        count: 10,
        sum: 2.5,
        positiveSpans: [
          { offset: -3, length: 2 },
          { offset: 4, length: 1 },
        ],
        positiveDeltas: [1, 1, 2],
        negativeSpans: [{ offset: 2, length: 1 }],
        negativeDeltas: [1],
        customValues: [],
      },
    },
  ],
};

describe("protobuf", () => {
  test("native histograms, classic series, metadata, times and exemplars", () => {
    const bytes = Buffer.from(encode([FAMILY], "protobuf"));
    const native = "buckets" in FAMILY.metrics[0] ? FAMILY.metrics[0].native : undefined;
    expect(readAll(new ProtobufReader(bytes, { keepClassic: true }))).toEqual([
      ["help", "h", "A help."],
      ["unit", "h", "u"],
      ["type", "h", "histogram"],
      ['{__name__="h", a="ü"}', native, 1234],
      ['{__name__="h_count", a="ü"}', 10, 1234],
      ['{__name__="h_sum", a="ü"}', 2.5, 1234],
      ['{__name__="h_bucket", a="ü", le="1.0"}', 4, 1234],
      ['{__name__="h_bucket", a="ü", le="+Inf"}', 10, 1234],
    ]);
    expect(readAll(new ProtobufReader(bytes))).toHaveLength(4);
    expect(readAll(new ProtobufReader(bytes, { ignoreNative: true }))).toHaveLength(7);
    const reader = new ProtobufReader(bytes);
    while (reader.next() !== "histogram");
    expect(reader.startTimestamp()).toBe(1500);
    expect(reader.exemplars).toEqual([{ labels: Labels.from({ i: "d" }), value: 0.5, timestamp: 99 }]);
  });

  test("keys tell every series from every other", () => {
    const reader = new ProtobufReader(Buffer.from(encode([FAMILY], "protobuf")), { keepClassic: true });
    const keys: string[] = [];
    for (let kind = reader.next(); kind !== "end"; kind = reader.next()) {
      if (kind === "series" || kind === "histogram") keys.push(reader.key());
    }
    expect(new Set(keys).size).toBe(5);
  });

  test("what does not fit together is refused", () => {
    const [metric] = FAMILY.metrics as HistogramMetric[];
    const native = { ...metric.native!, positiveDeltas: [1] } as IntHistogram;
    const bad = { ...FAMILY, metrics: [{ ...metric, native }] } as MetricFamily;
    expect(() => readAll(new ProtobufReader(Buffer.from(encode([bad], "protobuf"))))).toThrow(
      'histogram "h": positive side: spans require 3 buckets, have 1',
    );
    const whole = Buffer.from(encode([FAMILY], "protobuf"));
    for (let length = 1; length < whole.length; length++) {
      expect(() => readAll(new ProtobufReader(whole.subarray(0, length)))).toThrow(UserError);
    }
  });
});

describe("classic histograms as native ones", () => {
  const convert = (body: string, keep = false): unknown[] =>
    readAll(new CustomBucketsReader(new TextReader(Buffer.from(body)), keep));

  test("buckets, sum and count become one histogram per label set", () => {
    const one = (label: string, n: number): string =>
      `h_bucket{a="${label}",le="1"} ${n}\nh_bucket{a="${label}",le="+Inf"} ${n + 2}\nh_sum{a="${label}"} 1.5\nh_count{a="${label}"} ${n + 2}\n`;
    const body = `# TYPE h histogram\n${one("x", 1)}${one("y", 0)}other 1\n`;
    const entries = convert(body);
    expect(names(entries)).toEqual(["type", '{__name__="h", a="x"}', '{__name__="h", a="y"}', '{__name__="other"}']);
    expect((entries[1] as unknown[])[1]).toMatchObject({
      schema: -53,
      count: 3,
      sum: 1.5,
      customValues: [1],
      positiveSpans: [{ offset: 0, length: 2 }],
      positiveDeltas: [1, 1],
    });
    expect(convert(body, true)).toHaveLength(12);
  });

  test("the last histogram of a body is not lost, a wrong one is left out", () => {
    expect(names(convert('# TYPE h histogram\nh_bucket{le="1"} 1\nh_count 2'))).toEqual(["type", '{__name__="h"}']);
    expect(names(convert('# TYPE h histogram\nh_bucket{le="1"} 5\nh_bucket{le="2"} 1\nx 1'))).toEqual([
      "type",
      '{__name__="x"}',
    ]);
  });
});

test("fuzz: any bytes are read or refused with a UserError", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom(
      'a{b="c"} 1',
      "# TYPE a counter",
      "a 1 2",
      "# EOF",
      'a{"b"} 1',
      'a 1 # {a="b"} 1',
      "# HELP a b",
      "#",
    ),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.uint8Array({ maxLength: 60 }), (lines, bytes) => {
      const body = Buffer.from(lines.join("\n"));
      for (const reader of [
        new TextReader(body),
        new OpenMetricsReader(body),
        new ProtobufReader(Buffer.from(bytes)),
      ]) {
        try {
          readAll(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});
