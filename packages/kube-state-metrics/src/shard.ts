/** Which shard an object belongs to: FNV-1a of its uid, then jump consistent hashing, as upstream's code has it. */

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = 0xffffffffffffffffn;
const JUMP_FACTOR = 2862933555777941757n;

/** 64 bits FNV-1a of the UTF-8 text. */
export function fnv1a64(text: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK;
  return hash;
}

/** Jump consistent hash (Lamping and Veach): a number below `buckets`. */
function jump(key: bigint, buckets: number): number {
  let hash = key;
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    hash = (hash * JUMP_FACTOR + 1n) & MASK;
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(hash >> 33n) + 1)));
  }
  return bucket;
}

export interface Shard {
  /** From 0. */
  ordinal: number;
  total: number;
}

export const ONLY_SHARD: Shard = { ordinal: 0, total: 1 };

export function shardOf(uid: string, total: number): number {
  return total <= 1 ? 0 : jump(fnv1a64(uid), total);
}
