/** Numbers of the encodings in files. */
export const Encoding = { xor: 1, histogram: 2, floatHistogram: 3 } as const;
