/**
 * Heads of entries in records with start timestamps:
 *
 *   first   varint ref, varint t, varint start
 *   others  varint ref − ref before, varint t − first t, u8: 0 no start, 1 that of the entry before, 2 varint start − first start
 *
 * The head stores no start timestamps; they are passed over.
 */
import type { Decoder } from "./encoding.ts";

export class StartEntries implements Iterable<{ ref: number; time: number }> {
  readonly #input: Decoder;

  constructor(input: Decoder) {
    this.#input = input;
  }

  /** After each head the caller reads what belongs to it. */
  *[Symbol.iterator](): Generator<{ ref: number; time: number }> {
    const input = this.#input;
    if (input.done) return;
    const entry = { ref: input.varint(), time: input.varint() };
    const first = entry.time;
    input.varint();
    yield entry;
    while (!input.done) {
      entry.ref += input.varint();
      entry.time = first + input.varint();
      if (input.byte() === 2) input.varint();
      yield entry;
    }
  }
}
