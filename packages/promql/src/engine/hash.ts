/** The stable hash of a label set that limit_ratio samples by: xxHash64 over upstream's encoding of labels. */
import type { Labels } from "@pharos/model";

const MASK = 0xffffffffffffffffn;
const P1 = 11400714785074694791n;
const P2 = 14029467366897019727n;
const P3 = 1609587929392839161n;
const P4 = 9650029242287828579n;
const P5 = 2870177450012600261n;

const rotate = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & MASK;
const multiply = (a: bigint, b: bigint) => (a * b) & MASK;
const round = (state: bigint, input: bigint) => multiply(rotate((state + multiply(input, P2)) & MASK, 31n), P1);

/** xxHash64 with seed 0. */
export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  let at = 0;
  let hash: bigint;
  if (length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, (MASK + 1n - P1) & MASK];
    for (; at + 32 <= length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i], view.getBigUint64(at + 8 * i, true));
    }
    hash = (rotate(lanes[0], 1n) + rotate(lanes[1], 7n) + rotate(lanes[2], 12n) + rotate(lanes[3], 18n)) & MASK;
    for (const lane of lanes) hash = (multiply(hash ^ round(0n, lane), P1) + P4) & MASK;
  } else hash = P5;
  hash = (hash + BigInt(length)) & MASK;
  for (; at + 8 <= length; at += 8) {
    hash = (multiply(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n), P1) + P4) & MASK;
  }
  if (at + 4 <= length) {
    hash = (multiply(rotate(hash ^ multiply(BigInt(view.getUint32(at, true)), P1), 23n), P2) + P3) & MASK;
    at += 4;
  }
  for (; at < length; at++) hash = multiply(rotate(hash ^ multiply(BigInt(bytes[at]), P5), 11n), P1);
  hash = multiply(hash ^ (hash >> 33n), P2);
  hash = multiply(hash ^ (hash >> 29n), P3);
  return hash ^ (hash >> 32n);
}

const encoder = new TextEncoder();

/** Place of a label set in 0…1. Each name and value: its size (a byte, or 255 and three bytes), then its bytes. */
export function hashRatio(labels: Labels): number {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const text of labels.pairs) {
    const bytes = encoder.encode(text);
    const n = bytes.length;
    parts.push(n < 255 ? Uint8Array.of(n) : Uint8Array.of(255, n & 255, (n >> 8) & 255, n >> 16), bytes);
    size += parts.at(-2)!.length + n;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return Number(xxHash64(all)) / 2 ** 64;
}
