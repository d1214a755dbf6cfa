/** Bounds of native histogram buckets. */
import { CUSTOM_BUCKETS_SCHEMA, type HistogramBase } from "@pharos/model";

export function usesCustomBuckets(histogram: { schema: number }): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

/** Of schema 8, the finest; a coarser one has every second, fourth, … of them. */
const FINEST = 8;

/**
 * Bounds between 0.5 and 1 of schema 8, bit for bit as upstream's published table: whole powers of two are exact in
 * every schema, and square roots and products are the same on every machine (pow is not).
 */
const FRACTIONS: readonly number[] = Array.from({ length: 1 << FINEST }, (_, k) => {
  const half = 1 << (FINEST - 1);
  let value = k & half ? 1 / Math.SQRT2 : 0.5;
  let root = Math.SQRT2;
  for (let bit = half >> 1; bit >= 1; bit >>= 1) {
    root = Math.sqrt(root);
    if (k & bit) value *= root;
  }
  return value;
});

/** `fraction * 2 ** exponent` without overflow on the way. */
function scale(fraction: number, exponent: number): number {
  return exponent > 1023 ? fraction * 2 * 2 ** (exponent - 1) : fraction * 2 ** exponent;
}

/** Upper bound of the positive bucket `index` of an exponential schema (-4…8); bucket 0 ends at 1. */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const fraction = FRACTIONS[(index & ((1 << schema) - 1)) << (FINEST - schema)];
  const exponent = (index >> schema) + 1;
  return fraction === 0.5 && exponent === 1025 ? Number.MAX_VALUE : scale(fraction, exponent);
}

/** Upper bound of bucket `index` on the positive side, for any schema. */
export function upperBound(index: number, { schema, customValues }: Pick<HistogramBase, "schema" | "customValues">) {
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return exponentialBound(index, schema);
  if (index < 0) return -Infinity;
  return index >= customValues.length ? Infinity : customValues[index];
}

/** Bucket of a coarser schema that holds bucket `index` of a finer one. */
export function coarserIndex(index: number, schema: number, coarser: number): number {
  return ((index - 1) >> (schema - coarser)) + 1;
}
