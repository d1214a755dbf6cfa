import { Labels, SampleBuffer } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Annotations } from "../engine/annotations.ts";
import type { Context } from "../engine/context.ts";
import { FLOAT } from "../engine/row.ts";
import { Window } from "../engine/window.ts";
import { FLOAT_KERNELS, type FloatWindows, slideWindows, slidingQuantiles } from "./float-windows.ts";
import { RANGE_FUNCTIONS } from "./range-functions.ts";

interface Case {
  /** Distance to the sample before in ms, and value. */
  samples: [number, number][];
  steps: number;
  interval: number;
  range: number;
  q: number;
}

const special = fc.constantFrom(0, -0, 1, 5, Number.NaN, Infinity, -Infinity, 1e308, -1.7e308, 5e-324, 2 ** 53);
const value = fc.oneof({ weight: 4, arbitrary: fc.nat(50) }, special, fc.double({ noNaN: true }));
const distance = fc.oneof({ weight: 5, arbitrary: fc.constant(15_000) }, fc.integer({ min: 1, max: 90_000 }));
const anyCase: fc.Arbitrary<Case> = fc.record({
  samples: fc.array(fc.tuple(distance, value), { minLength: 1, maxLength: 60 }),
  steps: fc.integer({ min: 1, max: 40 }),
  interval: fc.constantFrom(0, 15_000, 7000, 60_000),
  range: fc.constantFrom(15_000, 60_000, 300_000, 22_000),
  q: fc.constantFrom(0, 0.1, 0.5, 0.99, 1),
});

const START = 1_000_000;

function bufferOf(samples: Case["samples"]): SampleBuffer {
  const buffer = new SampleBuffer();
  let t = START;
  for (const [gap, v] of samples) buffer.push((t += gap), v);
  return buffer;
}

/** One result a step by the general form; undefined where there is none. */
function generally(name: string, { samples, steps, interval, range, q }: Case): (number | undefined)[] {
  const window = new Window({ annotations: new Annotations() } as unknown as Context, { start: 0, end: 0 });
  window.load({ labels: Labels.empty }, bufferOf(samples), false);
  window.range = range;
  window.scalars = [new Float64Array(steps).fill(q)];
  return Array.from({ length: steps }, (_, step) => {
    window.end = START + 60_000 + step * interval;
    window.start = window.end - range;
    window.step = step;
    window.slide(window.start, window.end);
    if (window.isEmpty) return undefined;
    return RANGE_FUNCTIONS.get(name)!(window) as number | undefined;
  });
}

function byKernel(name: string, { samples, steps, interval, range, q }: Case): (number | undefined)[] {
  const { timestamps, values, length } = bufferOf(samples);
  const windows: FloatWindows = {
    timestamps,
    values,
    length,
    steps,
    from: new Int32Array(0),
    to: new Int32Array(0),
    end: START + 60_000,
    interval,
    range,
    scalars: [new Float64Array(steps).fill(q)],
  };
  slideWindows(windows, undefined);
  const kinds = new Uint8Array(steps);
  const out = new Float64Array(steps);
  const kernel = name === "quantile_over_time" ? slidingQuantiles : FLOAT_KERNELS.get(name)!;
  const filled = kernel(windows, kinds, out);
  if (filled < 0) return generally(name, { samples, steps, interval, range, q });
  expect(filled).toBe(kinds.filter((kind) => kind === FLOAT).length);
  return Array.from(kinds, (kind, i) => (kind === FLOAT ? out[i] : undefined));
}

describe("kernels give the bits of the general form", () => {
  it.each([...FLOAT_KERNELS.keys(), "quantile_over_time"])("%s", (name) => {
    fc.assert(
      fc.property(anyCase, (input) => {
        expect(byKernel(name, input)).toEqual(generally(name, input));
      }),
      { seed: 5, numRuns: 400 },
    );
  });
});

it("adds up window sizes by step", () => {
  const windows: FloatWindows = {
    timestamps: Float64Array.of(1, 2, 3, 4),
    values: new Float64Array(4),
    length: 4,
    steps: 3,
    from: new Int32Array(0),
    to: new Int32Array(0),
    end: 2,
    interval: 2,
    range: 2,
    scalars: [],
  };
  const perStep = Float64Array.of(10, 0, 0);
  expect(slideWindows(windows, perStep)).toBe(4);
  expect([...perStep]).toEqual([12, 2, 0]);
});
