/** Numbers of the encodings in files. */
export const Encoding = {
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  /** Histograms with start timestamps. */
  histogramStart: 5,
  floatHistogramStart: 6,
} as const;

/** Which of the encodings new chunks get. */
export interface ChunkEncodings {
  floats: "xor" | "xor2";
  /** Histograms get one that has start timestamps; otherwise theirs are dropped. */
  histogramStarts: boolean;
}

export const DEFAULT_ENCODINGS: ChunkEncodings = { floats: "xor", histogramStarts: false };

/** For chunks that are made to be read at once. */
export const ALL_STARTS: ChunkEncodings = { floats: "xor2", histogramStarts: true };

/** Whether a chunk holds floats. */
export function isFloat(encoding: number): boolean {
  return encoding === Encoding.xor || encoding === Encoding.xor2;
}

/** How many samples a chunk has. */
export function sampleCount(encoding: number, data: Uint8Array, at = 0): number {
  const count = (data[at] << 8) | data[at + 1];
  // Their two top bits are flags.
  return encoding === Encoding.histogramStart || encoding === Encoding.floatHistogramStart ? count & 0x3fff : count;
}
