/** One series out of several places (blocks, head): samples in order of time, of equal times the first place's. */
import { type Labels, SampleBuffer, type StoredSeries } from "@pharos/model";
import { mergeByLabels } from "./merge-by-labels.ts";

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

/** Joins lists that are each sorted by labels; equal labels become one series. */
export function mergeSeries(lists: readonly (readonly StoredSeries[])[]): readonly StoredSeries[] {
  const filled = lists.filter((list) => list.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  return Array.from(mergeByLabels(filled), (parts) => (parts.length === 1 ? parts[0] : new MergedSeries(parts)));
}
