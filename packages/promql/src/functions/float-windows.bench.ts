/**
 * Cost of the kernels over one series of 6 h at 15 s, evaluated every 60 s over 5 minutes: ns for each window. Run by hand:
 * `node packages/promql/src/functions/float-windows.bench.ts`.
 */
import { FLOAT_KERNELS, type FloatWindows, slideWindows, slidingQuantiles } from "./float-windows.ts";

const SAMPLES = 1440;
const STEPS = 361;
const ROUNDS = 3000;

const windows: FloatWindows = {
  timestamps: Float64Array.from({ length: SAMPLES }, (_, i) => i * 15_000),
  values: Float64Array.from({ length: SAMPLES }, (_, i) => (i % 400) * 1.7),
  length: SAMPLES,
  steps: STEPS,
  from: new Int32Array(0),
  to: new Int32Array(0),
  end: 0,
  interval: 60_000,
  range: 300_000,
  scalars: [new Float64Array(STEPS).fill(0.9)],
};
const perStep = new Float64Array(STEPS);
const kinds = new Uint8Array(STEPS);
const out = new Float64Array(STEPS);

function measure(name: string, run: () => unknown): void {
  for (let i = 0; i < ROUNDS / 10; i++) run();
  const began = performance.now();
  for (let i = 0; i < ROUNDS; i++) run();
  const nanoseconds = ((performance.now() - began) * 1e6) / ROUNDS / STEPS;
  console.log(`${nanoseconds.toFixed(1).padStart(8)} ns  ${name}`);
}

measure("finding the windows", () => slideWindows(windows, perStep));
for (const [name, kernel] of FLOAT_KERNELS) measure(name, () => kernel(windows, kinds, out));
measure("quantile_over_time", () => slidingQuantiles(windows, kinds, out));
