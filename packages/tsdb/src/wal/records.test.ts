import { expect, test } from "vitest";
import { Encoder } from "./encoding.ts";
import { decodeRecord, type RecordHandlers } from "./records.ts";

function decoded(write: (out: Encoder) => void): unknown[] {
  const out = new Encoder();
  write(out);
  const seen: unknown[] = [];
  const handlers: RecordHandlers = {
    series: (ref, labels) => seen.push([ref, String(labels)]),
    samples: ({ count, refs, times, values }) => {
      for (let i = 0; i < count; i++) seen.push([refs[i], times[i], values[i]]);
    },
    histogram: (ref, time, { kind, count, sum }) => seen.push([ref, time, kind, count, sum]),
    metadata: (ref, metadata) => seen.push([ref, metadata]),
    tombstone: (...entry) => seen.push(entry),
    exemplar: (ref, exemplar) => seen.push([ref, exemplar]),
    marker: (...entry) => seen.push(entry),
  };
  decodeRecord(Buffer.from(out.view()), handlers);
  return seen;
}

const words = (value: number): Uint32Array => new Uint32Array(Float64Array.of(value).buffer);

test("samples with start timestamps: refs follow the one before, times the first; the three kinds of marker", () => {
  const entries = (out: Encoder): void => {
    out.byte(11);
    out.varint(100);
    out.varint(1_700_000_000_000);
    out.varint(1_600_000_000_000);
    out.f64(words(1.5), 0);
    for (const [step, time, marker] of [[5, 10, 0], [-3, 20, 1], [1, 30, 2]]) {
      out.varint(step);
      out.varint(time);
      out.byte(marker);
      if (marker === 2) out.varint(77);
      out.f64(words(time), 0);
    } // biome-ignore format: rows
  };
  expect(decoded(entries)).toEqual([
    [100, 1_700_000_000_000, 1.5],
    [105, 1_700_000_000_010, 10],
    [102, 1_700_000_000_020, 20],
    [103, 1_700_000_000_030, 30],
  ]);
  expect(decoded((out) => out.byte(11))).toEqual([]);
});

test("histograms with start timestamps, bounds by their schema", () => {
  const histogram = (out: Encoder, schema: number): void => {
    out.byte(0);
    out.varint(schema);
    out.f64(words(0.001), 0);
    out.uvarint(1);
    out.uvarint(4);
    out.f64(words(2.5), 0);
    out.uvarint(1);
    out.varint(0);
    out.uvarint(1);
    out.uvarint(0);
    out.uvarint(1);
    out.varint(3);
    out.uvarint(0);
    if (schema === -53) {
      out.uvarint(1);
      out.f64(words(0.5), 0);
    }
  };
  expect(
    decoded((out) => {
      out.byte(12);
      out.varint(7);
      out.varint(1000);
      out.varint(0);
      histogram(out, 1);
      out.varint(1);
      out.varint(5);
      out.byte(0);
      histogram(out, -53);
    }),
  ).toEqual([
    [7, 1000, "int", 4, 2.5],
    [8, 1005, "int", 4, 2.5],
  ]);
});

test("types that are not known are passed over", () => {
  expect(decoded((out) => out.byte(200))).toEqual([]);
});
