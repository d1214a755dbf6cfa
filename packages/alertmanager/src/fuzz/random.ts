/** Random choices that a seed repeats. */

/** Numbers in [0, 1) by mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Random {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomOf(seed);
  }

  /** 0 ≤ result < limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** A text with one to `most` edits: a piece put in place of some characters, a part said twice, a part left out. */
  bend(text: string, pieces: readonly string[], most: number): string {
    let bent = text;
    for (let edits = 1 + this.below(most); edits > 0; edits--) {
      const at = this.below(bent.length + 1);
      const length = this.below(13);
      const kind = this.next();
      if (kind < 0.6) bent = bent.slice(0, at) + this.pick(pieces) + bent.slice(at + length);
      else if (kind < 0.75) bent = bent.slice(0, at + length) + bent.slice(at);
      else if (kind < 0.9) bent = bent.slice(0, at) + bent.slice(at + length);
      else bent = bent.slice(0, at) + String.fromCharCode(this.below(0x3ff)) + bent.slice(at);
    }
    return bent;
  }
}
