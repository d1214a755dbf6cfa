/**
 * Staleness marker: a NaN with the payload 0x7ff0000000000002. JavaScript may canonicalise a NaN that travels through a
 * number, so the marker is read and written only as two 32-bit words of a typed array, never as a number.
 */
export const STALE_NAN_HIGH = 0x7ff00000;
export const STALE_NAN_LOW = 0x00000002;
export const NORMAL_NAN_HIGH = 0x7ff80000;
export const NORMAL_NAN_LOW = 0x00000001;

/** Index of the low word of a float64 in a Uint32Array over the same bytes (0 on little-endian machines). */
export const LOW_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** Whether value `index` of a Float64Array, seen through a Uint32Array over the same buffer, is the marker. */
export function isStale(words: Uint32Array, index: number): boolean {
  return words[2 * index + LOW_WORD] === STALE_NAN_LOW && words[2 * index + 1 - LOW_WORD] === STALE_NAN_HIGH;
}

export function setStale(words: Uint32Array, index: number): void {
  words[2 * index + LOW_WORD] = STALE_NAN_LOW;
  words[2 * index + 1 - LOW_WORD] = STALE_NAN_HIGH;
}
