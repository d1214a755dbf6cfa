/** Deterministic damage to bytes: flips, other values, cuts, insertions, copies of parts. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed % 2_147_483_646) + 1;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % limit;
  }
}

/** Values that make lengths and counts extreme. */
const EXTREME = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x40, 0xc0];

/** A damaged copy; one to four changes. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && out.length > 0; changes--) {
    const at = random.below(out.length);
    switch (random.below(6)) {
      case 0:
        out[at] ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = EXTREME[random.below(EXTREME.length)];
        break;
      case 2:
        // A varint that does not end soon.
        for (let i = at; i < Math.min(out.length, at + 1 + random.below(9)); i++) out[i] = 0xff;
        break;
      case 3:
        out = Buffer.from(out.subarray(0, at));
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), Buffer.from([random.below(256)]), out.subarray(at)]);
        break;
      default: {
        const from = random.below(out.length);
        out.copy(out, at, from, Math.min(out.length, from + 1 + random.below(16)));
      }
    }
  }
  return out;
}
