import { snappyBound, snappyPack } from "@pharos/kit";
import { type Appendable, type Appender, AppendResult, type Exemplar, type Labels, UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { receiveWrite, unpackRequest, writeVersion } from "./write-receiver.ts";

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
const message = (field: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));
const int = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)]);
const double = (field: number, value: number | "stale"): Buffer => {
  const bytes = Buffer.alloc(8);
  if (value === "stale") bytes.set([2, 0, 0, 0, 0, 0, 0xf0, 0x7f]);
  else bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
};

/** A storage that notes what it was given, and refuses times below 100. */
class Notes implements Appendable {
  lines: string[] = [];
  committed = false;

  appender(): Appender {
    const names: string[] = [""];
    const { lines } = this;
    const check = (line: string, time: number): AppendResult => {
      if (time < 100) return AppendResult.outOfOrder;
      lines.push(line);
      return AppendResult.ok;
    };
    return {
      series: (labels: Labels) => names.push(String(labels)) - 1,
      append: (ref, time, value) => check(`${names[ref]} ${time} ${value}`, time),
      appendStale: (ref, time) => check(`${names[ref]} ${time} stale`, time),
      appendHistogram: (ref, time, { kind, count, sum }) =>
        check(`${names[ref]} ${time} ${kind} ${count} ${sum}`, time),
      appendStartTimestamp: (ref, time, start) => check(`${names[ref]} ${time} since ${start}`, time),
      appendExemplar: (ref, { labels, value, timestamp }: Exemplar) =>
        check(`${names[ref]} exemplar ${labels} ${timestamp} ${value}`, timestamp ?? 0),
      updateMetadata: (ref, { type, help, unit }) => void lines.push(`${names[ref]} ${type} ${help} ${unit}`),
      commit: () => {
        this.committed = true;
      },
      rollback: () => void (lines.length = 0),
    };
  }
}

const label = (name: string, value: string): Buffer => message(1, text(1, name), text(2, value));
const sample = (value: number | "stale", time: number): Buffer => message(2, double(1, value), int(2, time));

test("version 1: samples, markers, exemplars and histograms of sorted labels", () => {
  const notes = new Notes();
  const histogram = message(
    4,
    int(1, 3), double(3, 4.5), int(4, 2), double(5, 0.001), int(6, 1),
    message(11, int(1, 0), int(2, 1)), message(12, varint(4)), int(15, 300),
  ); // biome-ignore format: fields
  const series = message(
    1,
    label("job", "x"),
    label("__name__", "m"),
    sample(1.5, 100),
    sample("stale", 200),
    message(3, message(1, text(1, "trace"), text(2, "t")), double(2, 7), int(3, 100)),
    histogram,
  );
  expect(receiveWrite(notes, series, 1)).toEqual({
    samples: 2,
    histograms: 1,
    exemplars: 1,
    refusals: [],
    refused: 0,
    invalidLabels: 0,
    bare: 3,
  });
  expect(notes.lines).toEqual([
    '{__name__="m", job="x"} 100 1.5',
    '{__name__="m", job="x"} 200 stale',
    '{__name__="m", job="x"} 300 int 3 4.5',
    '{__name__="m", job="x"} exemplar {trace="t"} 100 7',
  ]);
  expect(notes.committed).toBe(true);
});

test("version 2: labels by symbols, metadata", () => {
  const notes = new Notes();
  const request = Buffer.concat([
    message(5, message(1, varint(1), varint(2)), sample(1, 100), message(5, int(1, 1), int(3, 3), int(4, 4))),
    ...["", "__name__", "m", "Help.", "seconds"].map((symbol) => text(4, symbol)),
  ]);
  expect(receiveWrite(notes, request, 2).samples).toBe(1);
  expect(notes.lines).toEqual(['{__name__="m"} 100 1', '{__name__="m"} counter Help. seconds']);
  const broken = message(5, message(1, varint(9), varint(2)));
  const partly = receiveWrite(new Notes(), Buffer.concat([broken, request]), 2);
  expect(partly.samples).toBe(1);
  expect(partly.refusals[0]).toContain("labelRefs 9 outside of symbols table");
  const empty = message(5, message(1, varint(1), varint(2)));
  expect(receiveWrite(new Notes(), Buffer.concat([empty, request]), 2).refusals).toEqual([
    'TimeSeries must contain at least one sample or histogram for series: {__name__="m"}',
  ]);
});

test("version 2: start timestamps of samples and histograms, else that of the series", () => {
  const notes = new Notes();
  const own = message(2, double(1, 1), int(2, 200), int(3, 150));
  const histogram = message(3, int(1, 0), double(3, 0), int(15, 300), int(17, 250));
  const request = Buffer.concat([
    message(5, message(1, varint(1), varint(2)), sample(1, 100), own, histogram, int(6, 50)),
    ...["", "__name__", "m"].map((symbol) => text(4, symbol)),
  ]);
  receiveWrite(notes, request, 2);
  expect(notes.lines.filter((line) => line.includes("since"))).toEqual([
    '{__name__="m"} 100 since 50',
    '{__name__="m"} 200 since 150',
    '{__name__="m"} 300 since 250',
  ]);
});

test("what may not go in is left out by name, the rest is kept", () => {
  const notes = new Notes();
  const request = Buffer.concat([
    message(1, label("__name__", "m"), sample(1, 50), sample(2, 150)),
    message(1, label("job", "nameless"), sample(1, 150)),
    message(1, label("__name__", "m"), label("a", "1"), label("a", "2"), sample(1, 150)),
  ]);
  const outcome = receiveWrite(notes, request, 1);
  expect(outcome.samples).toBe(1);
  expect(outcome.refusals).toEqual([
    'out of order sample: {__name__="m"} at 50',
    'no metric name: {job="nameless"}',
    'duplicate label names: {__name__="m", a="2"}',
  ]);
  expect(notes.lines).toEqual(['{__name__="m"} 150 2']);
});

test("samples too far ahead are out of bounds", () => {
  const request = message(1, label("__name__", "m"), sample(1, 150), sample(2, 250));
  const outcome = receiveWrite(new Notes(), request, 1, { maxTime: 200 });
  expect(outcome).toMatchObject({ samples: 1, refused: 1 });
  expect(outcome.refusals[0]).toContain("timestamp is too far in the future");
});

test("type and unit as labels; too fine histograms become coarser", () => {
  const fine = message(3, int(1, 3), double(3, 4.5), int(4, 18), double(5, 0.001), int(6, 1), message(11, int(1, 2), int(2, 2)), message(12, Buffer.from([2, 0])), int(15, 300)); // biome-ignore format: fields
  const request = Buffer.concat([
    message(5, message(1, varint(1), varint(2), varint(5), varint(6)), fine, message(5, int(1, 3), int(4, 4))),
    ...["", "__name__", "m", "Help.", "seconds", "__unit__", "old"].map((symbol) => text(4, symbol)),
  ]);
  const notes = new Notes();
  expect(receiveWrite(notes, request, 2, { typeAndUnitLabels: true }).refusals).toEqual([]);
  expect(notes.lines[0]).toBe('{__name__="m", __type__="histogram", __unit__="seconds"} 300 int 3 4.5');
});

test("content types", () => {
  expect(writeVersion("application/x-protobuf")).toBe(1);
  expect(writeVersion("application/x-protobuf;proto=prometheus.WriteRequest")).toBe(1);
  expect(writeVersion("application/x-protobuf; proto=io.prometheus.write.v2.Request")).toBe(2);
  expect(writeVersion("application/x-protobuf;proto=other")).toBeUndefined();
  expect(writeVersion("application/json")).toBeUndefined();
});

test("property: garbage is refused, as bytes and unpacked", () => {
  const request = message(1, label("__name__", "m"), sample(1, 100));
  const packed = Buffer.alloc(snappyBound(request.length));
  const body = packed.subarray(0, snappyPack(request, packed));
  expect(unpackRequest(body).equals(request)).toBe(true);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), (garbage, at) => {
      for (const bytes of [Buffer.from(garbage), Buffer.concat([request.subarray(0, at % request.length), garbage])]) {
        for (const version of [1, 2] as const) {
          try {
            receiveWrite(new Notes(), bytes, version);
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        }
        try {
          unpackRequest(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }
    }),
    { numRuns: 300, seed: 3 },
  );
});
