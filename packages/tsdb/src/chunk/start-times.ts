/**
 * Start (created) timestamps in the encodings that have them. A header byte: top bit, the first sample has one; the rest, from
 * which sample on they change (0: never). What is stored is how much earlier the start is than a time:
 *
 *   first sample       varint t − start, when the top bit says so
 *   where they change  varbit t' − start, t' being the time of the sample before
 *   from then on       varbit change of t' − start
 *
 * Samples before that have the start of the one before them. (tsdb/chunkenc/st.go upstream.)
 */
import type { BitReader, BitWriter } from "./bits.ts";
import { readVarbit, writeVarbit } from "./varbit.ts";

const KNOWN = 0x80;
/** The header has seven bits for where they change: there it is written even when it did not. */
const LAST_CHANGE = 0x7f;

export class StartReader {
  readonly #known: boolean;
  readonly #changeOn: number;
  #difference = 0;
  #start = 0;

  constructor(header: number) {
    this.#known = (header & KNOWN) !== 0;
    this.#changeOn = header & LAST_CHANGE;
  }

  /** Start of sample `row`, 0 when unknown; the reader stands behind the sample. */
  next(input: BitReader, row: number, time: number, timeBefore: number): number {
    if (row === 0) {
      if (this.#known) this.#start = time - input.varint();
    } else if (this.#changeOn > 0 && row >= this.#changeOn) {
      const read = readVarbit(input);
      this.#difference = row === this.#changeOn ? read : this.#difference + read;
      this.#start = timeBefore - this.#difference;
    }
    return this.#start;
  }
}

export class StartWriter {
  /** What the header byte is to be. */
  header = 0;
  #difference = 0;
  #start = 0;

  /** Called behind sample `row`; `start` 0 when unknown. */
  next(out: BitWriter, row: number, time: number, timeBefore: number, start: number): void {
    const changeOn = this.header & LAST_CHANGE;
    if (row === 0) {
      if (start !== 0) {
        out.varint(time - start);
        this.header |= KNOWN;
      }
    } else if (changeOn > 0) {
      const difference = timeBefore - start;
      writeVarbit(out, difference - this.#difference);
      this.#difference = difference;
    } else if (start !== this.#start || row === LAST_CHANGE) {
      this.header |= row;
      this.#difference = timeBefore - start;
      writeVarbit(out, this.#difference);
    }
    this.#start = start;
  }
}
