/** Bounds of native histogram buckets. */
import { CUSTOM_BUCKETS_SCHEMA, type HistogramBase } from "@pharos/model";

export function usesCustomBuckets(histogram: { schema: number }): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

const FRACTIONS: number[][] = [];

/** Bounds of the finer schemas between 0.5 and 1, so that whole powers of two are exact in every schema. */
function fractions(schema: number): number[] {
  FRACTIONS[schema] ??= Array.from({ length: 1 << schema }, (_, i) => 2 ** (i / (1 << schema) - 1));
  return FRACTIONS[schema];
}

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
  const size = 1 << schema;
  const fraction = fractions(schema)[index & (size - 1)];
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
