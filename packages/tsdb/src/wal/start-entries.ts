/**
 * Heads of entries in records with start timestamps:
 *
 *   first   varint ref, varint t, varint start
 *   others  varint ref − ref before, varint t − first t, u8: 0 no start, 1 that of the entry before, 2 varint start − first start
 */
import type { Decoder, Encoder } from "./encoding.ts";

const NO_START = 0;
const SAME_START = 1;
const OWN_START = 2;

export interface StartEntry {
  ref: number;
  time: number;
  /** Unix ms, 0 when unknown. */
  start: number;
}

/** Reads heads; after each the caller reads what belongs to it. The object is used again. */
export class StartEntries implements Iterable<StartEntry> {
  readonly #input: Decoder;

  constructor(input: Decoder) {
    this.#input = input;
  }

  *[Symbol.iterator](): Generator<StartEntry> {
    const input = this.#input;
    if (input.done) return;
    const entry: StartEntry = { ref: input.varint(), time: input.varint(), start: input.varint() };
    const first = entry.time;
    const firstStart = entry.start;
    yield entry;
    while (!input.done) {
      entry.ref += input.varint();
      entry.time = first + input.varint();
      const marker = input.byte();
      if (marker === NO_START) entry.start = 0;
      else if (marker !== SAME_START) entry.start = firstStart + input.varint();
      yield entry;
    }
  }
}

/** Writes heads; what belongs to each follows it. */
export class StartEntryWriter {
  readonly #out: Encoder;
  #first = true;
  #firstTime = 0;
  #firstStart = 0;
  #ref = 0;
  #start = 0;

  constructor(out: Encoder) {
    this.#out = out;
  }

  /** `start` 0 when unknown. */
  next(ref: number, time: number, start: number): void {
    const out = this.#out;
    if (this.#first) {
      this.#first = false;
      this.#firstTime = time;
      this.#firstStart = start;
      out.varint(ref);
      out.varint(time);
      out.varint(start);
    } else {
      out.varint(ref - this.#ref);
      out.varint(time - this.#firstTime);
      if (start === 0) out.byte(NO_START);
      else if (start === this.#start) out.byte(SAME_START);
      else {
        out.byte(OWN_START);
        out.varint(start - this.#firstStart);
      }
    }
    this.#ref = ref;
    this.#start = start;
  }
}
