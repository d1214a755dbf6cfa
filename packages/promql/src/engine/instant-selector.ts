/** Instant vector selectors: at each step the newest sample within the lookback. */
import { SampleBuffer, type SeriesList, type StoredSeries } from "@pharos/model";
import type { VectorSelector } from "../parser/ast.ts";
import type { Context } from "./context.ts";
import { executionError } from "./error.ts";
import { smoothedRow } from "./extended.ts";
import { reduceToStats } from "./histogram-stats.ts";
import { FLOAT, histogramSize, type Row, type VectorResult } from "./row.ts";
import { selectedSeries } from "./series.ts";

/** What is written into a row: the value, the sample's own time, or its start timestamp (both in seconds). */
export type SampleAspect = "value" | "timestamp" | "startTimestamp" | "infoTimestamp";

export function selectInstant(
  context: Context,
  selector: VectorSelector,
  aspect: SampleAspect = "value",
): VectorResult {
  const stored = context.query.selections.get(selector)!;
  if (selector.smoothed && aspect === "value") {
    const buffer = new SampleBuffer();
    return {
      ...selectedSeries(stored),
      read: (index) => smoothedRow(context, selector, stored[index], buffer),
    };
  }
  const statsOnly = context.query.statsOnly.has(selector);
  return instantVector(context, stored, selector.offset, selector.timestamp, aspect, statsOnly);
}

/** As "timestamp", of info series: at each step, or all at `timestamp`, shifted by `offset` (ms). Refuses histograms. */
export function selectInstantSeries(
  context: Context,
  stored: SeriesList,
  offset: number,
  timestamp: number | undefined,
): VectorResult {
  return instantVector(context, stored, offset, timestamp, "infoTimestamp");
}

function instantVector(
  context: Context,
  stored: SeriesList,
  offset: number,
  timestamp: number | undefined,
  aspect: SampleAspect,
  statsOnly = false,
): VectorResult {
  const buffer = new SampleBuffer();
  let bufferBytes = 0;
  return {
    ...selectedSeries(stored),
    read: (index) => {
      const row = readRow(context, stored[index], offset, timestamp, aspect, buffer, statsOnly);
      bufferBytes = context.query.holdBuffer(buffer, bufferBytes);
      return row;
    },
  };
}

function readRow(
  context: Context,
  series: StoredSeries,
  offset: number,
  fixed: number | undefined,
  aspect: SampleAspect,
  buffer: SampleBuffer,
  statsOnly: boolean,
): Row | undefined {
  const { lookbackMs } = context.query.settings;
  const first = (fixed ?? context.start) - offset;
  const step = fixed === undefined ? context.interval : 0;
  const { steps } = context;
  buffer.clear();
  const oldest = first - lookbackMs + 1;
  // All steps look at the same time: only the newest sample counts.
  if (series.readNewest && (steps === 1 || step === 0)) series.readNewest(oldest, first, buffer);
  else series.read(oldest, first + (steps - 1) * step, buffer);
  if (statsOnly) reduceToStats(buffer);
  const { timestamps, values, histograms, length } = buffer;
  if (length === 0) return undefined;
  context.query.touch(length);
  if (aspect === "value" && !histograms) return floatRow(context, buffer, first, step, lookbackMs);
  let row: Row | undefined;
  let next = 0;
  let samples = 0;
  for (let i = 0; i < steps; i++) {
    const time = first + i * step;
    while (next < length && timestamps[next] <= time) next++;
    const at = next - 1;
    if (at < 0 || timestamps[at] <= time - lookbackMs || buffer.isStale(at)) continue;
    row ??= context.newRow();
    let size = 1;
    if (aspect === "timestamp") row.setFloat(i, timestamps[at] / 1000);
    else if (aspect === "infoTimestamp") {
      if (histograms?.[at]) {
        throw executionError(`this should be an info metric, with float samples: ${series.labels}`);
      }
      row.setFloat(i, timestamps[at] / 1000);
    } else if (aspect === "startTimestamp") row.setFloat(i, (buffer.startTimestamps?.[at] ?? 0) / 1000);
    else if (histograms?.[at]) {
      row.setHistogram(i, histograms[at]);
      size = histogramSize(histograms[at]);
    } else {
      row.kinds[i] = FLOAT;
      row.values[i] = values[at];
    }
    samples += size;
    context.count(i, size);
  }
  context.query.samplesRead += samples;
  return row;
}

/** The common case: values of a series of floats. */
function floatRow(
  context: Context,
  buffer: SampleBuffer,
  first: number,
  interval: number,
  lookbackMs: number,
): Row | undefined {
  const { timestamps, values, length } = buffer;
  const { steps } = context;
  let row: Row | undefined;
  let next = 0;
  let samples = 0;
  for (let i = 0; i < steps; i++) {
    const time = first + i * interval;
    while (next < length && timestamps[next] <= time) next++;
    const at = next - 1;
    if (at < 0 || timestamps[at] <= time - lookbackMs) continue;
    const value = values[at];
    if (Number.isNaN(value) && buffer.isStale(at)) continue;
    row ??= context.newRow();
    row.kinds[i] = FLOAT;
    row.values[i] = value;
    samples++;
  }
  if (row) context.countFloats(row.kinds, samples);
  context.query.samplesRead += samples;
  return row;
}
