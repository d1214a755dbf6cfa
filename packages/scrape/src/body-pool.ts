/**
 * Buffers for the bodies of scrapes, used again and again. Fresh memory for each body would lie outside V8's heap and make
 * it collect garbage every second: measured, that costs more than reading the body.
 */
const SMALLEST = 64 * 1024;
/** Buffers kept for later; of more, the smallest are let go, as only a large one serves every body. */
const MAX_KEPT = 4;
const kept: Buffer[] = [];

/** Sizes are multiples of an eighth of the power of two below them: less than an eighth is lost. */
function sizeFor(need: number): number {
  if (need <= SMALLEST) return SMALLEST;
  const step = 2 ** (Math.floor(Math.log2(need)) - 3);
  return Math.ceil(need / step) * step;
}

/** A buffer of at least this size, with whatever is in it. Give it back. */
export function takeBuffer(size: number): Buffer {
  let best = -1;
  for (let i = 0; i < kept.length; i++) {
    if (kept[i].length >= size && (best < 0 || kept[i].length < kept[best].length)) best = i;
  }
  if (best >= 0) return kept.splice(best, 1)[0];
  // Not from Node's own pool: its slabs would be kept alive by one body.
  return Buffer.allocUnsafeSlow(sizeFor(size));
}

export function giveBuffer(buffer: Buffer): void {
  kept.push(buffer);
  if (kept.length <= MAX_KEPT) return;
  let smallest = 0;
  for (let i = 1; i < kept.length; i++) if (kept[i].length < kept[smallest].length) smallest = i;
  kept.splice(smallest, 1);
}

/** A body that grows in a pooled buffer. */
export class BodyBuffer implements Disposable {
  #buffer: Buffer;
  length = 0;

  constructor(expected: number) {
    this.#buffer = takeBuffer(expected);
  }

  append(source: Buffer, start: number, end: number): void {
    const need = this.length + end - start;
    if (need > this.#buffer.length) {
      const grown = takeBuffer(need * 2);
      this.#buffer.copy(grown, 0, 0, this.length);
      giveBuffer(this.#buffer);
      this.#buffer = grown;
    }
    source.copy(this.#buffer, this.length, start, end);
    this.length = need;
  }

  /** What was appended; valid until the body is disposed of. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  [Symbol.dispose](): void {
    if (this.#buffer === EMPTY) return;
    giveBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.length = 0;
  }
}

const EMPTY = Buffer.alloc(0);
