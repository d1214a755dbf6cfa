/** One series out of several places (blocks, head): samples in order of time, of equal times the first place's. */
import { type Labels, SampleBuffer, type StoredSeries } from "@pharos/model";

export class MergedSeries implements StoredSeries {
  readonly labels: Labels;
  readonly parts: readonly StoredSeries[];

  /** Parts in order of their first sample, as far as that is known. */
  constructor(parts: readonly StoredSeries[]) {
    this.labels = parts[0].labels;
    this.parts = parts;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const from = out.length;
    let ordered = true;
    for (const part of this.parts) {
      const seam = out.length;
      part.read(mint, maxt, out);
      if (seam > from && out.length > seam && out.timestamps[seam] <= out.timestamps[seam - 1]) ordered = false;
    }
    if (!ordered) sortRows(out, from);
  }
}

/** Of the rows from `from` on keeps the newest alone; of equal times the first. */
export function keepNewest(out: SampleBuffer, from: number): void {
  if (out.length - from <= 1) return;
  const { timestamps, words, histograms, startTimestamps } = out;
  let newest = from;
  for (let row = from + 1; row < out.length; row++) if (timestamps[row] > timestamps[newest]) newest = row;
  timestamps[from] = timestamps[newest];
  words[2 * from] = words[2 * newest];
  words[2 * from + 1] = words[2 * newest + 1];
  if (histograms) {
    histograms[from] = histograms[newest];
    histograms.length = from + 1;
  }
  if (startTimestamps) startTimestamps[from] = startTimestamps[newest];
  out.length = from + 1;
}

/** Puts the rows from `from` on in order of time and drops repeated times. */
export function sortRows(out: SampleBuffer, from: number): void {
  const count = out.length - from;
  const copy = new SampleBuffer(count);
  copy.timestamps.set(out.timestamps.subarray(from, out.length));
  copy.words.set(out.words.subarray(2 * from, 2 * out.length));
  const histograms = out.histograms?.slice(from, out.length);
  const starts = out.startTimestamps?.slice(from, out.length);
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => copy.timestamps[a] - copy.timestamps[b]);
  let row = from;
  let last = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    if (copy.timestamps[i] === last) continue;
    last = copy.timestamps[i];
    out.timestamps[row] = last;
    out.words[2 * row] = copy.words[2 * i];
    out.words[2 * row + 1] = copy.words[2 * i + 1];
    if (out.histograms) out.histograms[row] = histograms?.[i];
    if (out.startTimestamps && starts) out.startTimestamps[row] = starts[i];
    row++;
  }
  if (out.histograms && out.histograms.length > row) out.histograms.length = row;
  out.length = row;
}
