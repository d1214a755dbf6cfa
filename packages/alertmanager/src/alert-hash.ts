/** The hash by which the notification log knows an alert: xxHash64 with seed 0 over sorted names and values, each followed by 0xff. */
import type { Labels } from "@pharos/model";

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotl = (value: bigint, bits: bigint): bigint => u64(value << bits) | (value >> (64n - bits));
const round = (acc: bigint, lane: bigint): bigint => u64(rotl(u64(acc + u64(lane * P2)), 31n) * P1);

export function xxHash64(data: Buffer): bigint {
  let at = 0;
  let hash: bigint;
  if (data.length >= 32) {
    let lanes = [u64(P1 + P2), P2, 0n, u64(-P1)];
    for (; at + 32 <= data.length; at += 32)
      lanes = lanes.map((lane, i) => round(lane, data.readBigUInt64LE(at + 8 * i)));
    const [a, b, c, d] = lanes;
    hash = u64(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n));
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * P1 + P4);
  } else hash = P5;
  hash = u64(hash + BigInt(data.length));
  for (; at + 8 <= data.length; at += 8) hash = u64(rotl(hash ^ round(0n, data.readBigUInt64LE(at)), 27n) * P1 + P4);
  if (at + 4 <= data.length) {
    hash = u64(rotl(hash ^ u64(BigInt(data.readUInt32LE(at)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < data.length; at++) hash = u64(rotl(hash ^ u64(BigInt(data[at]) * P5), 11n) * P1);
  hash = u64((hash ^ (hash >> 33n)) * P2);
  hash = u64((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}

const SEPARATOR = Buffer.from([0xff]);
const hashes = new WeakMap<Labels, bigint>();

export function alertHash(labels: Labels): bigint {
  let hash = hashes.get(labels);
  if (hash === undefined) {
    hash = xxHash64(Buffer.concat(labels.pairs.flatMap((text) => [Buffer.from(text), SEPARATOR])));
    hashes.set(labels, hash);
  }
  return hash;
}
