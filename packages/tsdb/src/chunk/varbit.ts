/**
 * Integers of variable bit length, as histogram chunks hold them: a prefix, then so many bits.
 *
 *   0: value 0 · 10: 3 · 110: 6 · 1110: 9 · 11110: 12 · 111110: 18 · 1111110: 25 · 11111110: 56 · 11111111: 64
 *
 * Signed values of n bits go from -(2^(n-1)-1) to 2^(n-1), upstream's odd range; unsigned ones from 0 to 2^n-1.
 * Exact up to 2^53.
 */
import type { BitReader, BitWriter } from "./bits.ts";

const SIZES = [0, 3, 6, 9, 12, 18, 25, 56, 64] as const;

function writePrefix(out: BitWriter, bucket: number): void {
  if (bucket < 8) out.bits((1 << (bucket + 1)) - 2, bucket + 1);
  else out.bits(0xff, 8);
}

function readPrefix(input: BitReader): number {
  let bucket = 0;
  while (bucket < 8 && input.bit() === 1) bucket++;
  return bucket;
}

/** The low `size` bits of a value, 56 and 64 of them in two parts. */
function writeBits(out: BitWriter, value: number, size: number): void {
  const high = Math.floor(value / 2 ** 32);
  if (size > 32) {
    const bits = size - 32;
    out.bits(bits === 32 ? high >>> 0 : (high & (2 ** bits - 1)) >>> 0, bits);
    out.bits(value - high * 2 ** 32, 32);
  } else out.bits(value < 0 ? value + 2 ** size : value, size);
}

function readUnsigned(input: BitReader, size: number): number {
  return size > 32 ? input.bits(size - 32) * 2 ** 32 + input.bits(32) : input.bits(size);
}

export function writeVarbit(out: BitWriter, value: number): void {
  let bucket = 0;
  if (value !== 0) {
    bucket = 1;
    while (bucket < 8 && (value > 2 ** (SIZES[bucket] - 1) || value < 1 - 2 ** (SIZES[bucket] - 1))) bucket++;
  }
  writePrefix(out, bucket);
  if (bucket > 0) writeBits(out, value, SIZES[bucket]);
}

export function readVarbit(input: BitReader): number {
  const bucket = readPrefix(input);
  if (bucket === 0) return 0;
  const size = SIZES[bucket];
  if (size === 64) return input.signed64();
  if (size === 56) {
    // The sign goes off before the halves are joined: 56 bits are more than a number holds exactly.
    const high = input.bits(24);
    const low = input.bits(32);
    const negative = high > 2 ** 23 || (high === 2 ** 23 && low > 0);
    return (negative ? high - 2 ** 24 : high) * 2 ** 32 + low;
  }
  const value = readUnsigned(input, size);
  return value > 2 ** (size - 1) ? value - 2 ** size : value;
}

export function writeVarbitUnsigned(out: BitWriter, value: number): void {
  let bucket = 0;
  while (bucket < 8 && value >= 2 ** SIZES[bucket]) bucket++;
  writePrefix(out, bucket);
  if (bucket > 0) writeBits(out, value, SIZES[bucket]);
}

export function readVarbitUnsigned(input: BitReader): number {
  const bucket = readPrefix(input);
  return bucket === 0 ? 0 : readUnsigned(input, SIZES[bucket]);
}
