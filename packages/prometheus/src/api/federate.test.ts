import { encode } from "@pharos/exposition";
import { type FloatHistogram, Labels } from "@pharos/model";
import { expect, test } from "vitest";
import { federatedFamilies } from "./federate.ts";

const base: FloatHistogram = {
  kind: "float",
  counterResetHint: "unknown",
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 3,
  sum: 4,
  positiveSpans: [{ offset: 0, length: 1 }],
  negativeSpans: [],
  positiveBuckets: [3],
  negativeBuckets: [],
  customValues: [],
};
const newest = (labels: Record<string, string>, time: number, value: number, histogram?: FloatHistogram) => ({
  labels: Labels.from(labels),
  time,
  value,
  histogram,
});

test("floats, custom buckets and native histograms with the server's labels", () => {
  const custom = { ...base, schema: -53, customValues: [0.5, 2], positiveSpans: [{ offset: 1, length: 2 }], positiveBuckets: [1, 2] }; // biome-ignore format: one line
  const found = [
    newest({ __name__: "a", foo: "1", zone: "own" }, 1000, 1.5),
    newest({ __name__: "a", instance: "i" }, 2000, 2),
    newest({ job: "nameless" }, 2000, 2),
    newest({ __name__: "c" }, 3000, 0, custom),
    newest({ __name__: "n" }, 4000, 0, base),
    newest({ __name__: "n", gauge: "1" }, 4000, 0, { ...base, counterResetHint: "gauge" }),
    newest({ __name__: "n", plain: "1" }, 4000, 9),
  ];
  const external = Labels.from({ zone: "z" });
  expect(Buffer.from(encode(federatedFamilies(found, external, false), "text", "underscores")).toString()).toBe(
    [
      "# TYPE a untyped",
      'a{foo="1",zone="own",instance=""} 1.5 1000',
      'a{instance="i",zone="z"} 2 2000',
      "# TYPE c histogram",
      'c_bucket{instance="",zone="z",le="0.5"} 0 3000',
      'c_bucket{instance="",zone="z",le="2"} 1 3000',
      'c_bucket{instance="",zone="z",le="+Inf"} 3 3000',
      'c_sum{instance="",zone="z"} 4 3000',
      'c_count{instance="",zone="z"} 3 3000',
      "# TYPE n untyped",
      'n{plain="1",instance="",zone="z"} 9 4000',
      "",
    ].join("\n"),
  );
  expect(federatedFamilies(found, external, true).map(({ name, type }) => `${name} ${type}`)).toEqual([
    "a unknown",
    "c histogram",
    "n histogram",
    "n gaugehistogram",
    "n unknown",
  ]);
});
