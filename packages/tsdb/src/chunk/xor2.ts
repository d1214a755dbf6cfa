/**
 * XOR2 chunks in Prometheus' format: u16 count · header of start timestamps (see start-times.ts) · samples, whose times and
 * values share their control bits:
 *
 *   first   varint t, 64 bits v
 *   second  uvarint Δt, value
 *   others  0 nothing changed · 10 + changed value · 110 + 13 or 1110 + 20 or 11110 + 64 bits Δ², value · 11111 stale, Δ² 0
 *   value   0 unchanged · 10 + bits in the last window · 110 + window + bits · 111 stale
 *   changed value  0 + bits in the last window · 1 + window + bits
 *
 * Differences of differences are plain two's complement here. A staleness marker does not become what the next value is
 * compared with. (tsdb/chunkenc/xor2.go upstream.)
 */
import { LOW_WORD, type SampleBuffer, STALE_NAN_HIGH, STALE_NAN_LOW } from "@pharos/model";
import { BitReader, BitWriter, brokenChunk } from "./bits.ts";
import { StartReader, StartWriter } from "./start-times.ts";

const NO_WINDOW = 0xff;

/** Appends the chunk's samples with mint <= t <= maxt, with their start timestamps where they have one. */
export function decodeXor2(bytes: Uint8Array, mint: number, maxt: number, out: SampleBuffer): void {
  const count = (bytes[0] << 8) | bytes[1];
  if (count === 0) return;
  out.reserve(count);
  const input = new BitReader(bytes);
  const starts = new StartReader(input.bits(8));
  const value = new Value(input);
  let time = 0;
  let delta = 0;
  out.mayBeStale = true;
  for (let row = 0; row < count; row++) {
    const before = time;
    if (row === 0) {
      time = input.varint();
      value.first();
    } else if (row === 1) {
      delta = input.uvarint();
      time += delta;
      value.next();
    } else {
      const control = prefix(input, 5);
      if (control >= 2 && control <= 4)
        delta += control === 4 ? input.signed64() : twosComplement(input, control === 2 ? 13 : 20);
      time += delta;
      if (control === 0) value.same();
      else if (control === 1) value.changed();
      else if (control === 5) value.marker();
      else value.next();
    }
    const start = starts.next(input, row, time, before);
    if (input.left < 0) throw brokenChunk();
    if (time < mint) continue;
    if (time > maxt) return;
    const at = out.length++;
    out.timestamps[at] = time;
    out.words[2 * at + 1 - LOW_WORD] = value.high;
    out.words[2 * at + LOW_WORD] = value.low;
    if (start !== 0 || out.startTimestamps) out.setStartTimestamp(start);
  }
}

/** Ones before the first zero, at most `most`. */
function prefix(input: BitReader, most: number): number {
  let ones = 0;
  while (ones < most && input.bit() === 1) ones++;
  return ones;
}

function twosComplement(input: BitReader, size: number): number {
  const value = input.bits(size);
  return value >= 2 ** (size - 1) ? value - 2 ** size : value;
}

/** The column of values while it is read. */
class Value {
  readonly #input: BitReader;
  /** Words of the current value. */
  high = 0;
  low = 0;
  /** Words of the last one that was no marker. */
  #baseHigh = 0;
  #baseLow = 0;
  #leading = 0;
  #trailing = 0;

  constructor(input: BitReader) {
    this.#input = input;
  }

  first(): void {
    this.high = this.#input.bits(32);
    this.low = this.#input.bits(32);
    if (this.high === STALE_NAN_HIGH && this.low === STALE_NAN_LOW) return;
    this.#baseHigh = this.high;
    this.#baseLow = this.low;
  }

  next(): void {
    const code = prefix(this.#input, 3);
    if (code === 0) this.same();
    else if (code === 3) this.marker();
    else this.#significant(code === 2);
  }

  changed(): void {
    this.#significant(this.#input.bit() === 1);
  }

  same(): void {
    this.high = this.#baseHigh;
    this.low = this.#baseLow;
  }

  marker(): void {
    this.high = STALE_NAN_HIGH;
    this.low = STALE_NAN_LOW;
  }

  #significant(window: boolean): void {
    const input = this.#input;
    if (window) {
      this.#leading = input.bits(5);
      this.#trailing = 64 - this.#leading - (input.bits(6) || 64);
      if (this.#trailing < 0) throw brokenChunk();
    }
    const end = 64 - this.#trailing;
    if (this.#leading < 32) {
      const until = Math.min(32, end);
      if (until > this.#leading) this.#baseHigh ^= input.bits(until - this.#leading) << (32 - until);
    }
    if (end > 32) this.#baseLow ^= input.bits(end - Math.max(32, this.#leading)) << this.#trailing;
    this.#baseHigh >>>= 0;
    this.#baseLow >>>= 0;
    this.same();
  }
}

/** Writes XOR2 chunks; `start` 0 for samples whose start is not known. */
export class Xor2Appender {
  readonly encoding = 4;
  readonly #out = new BitWriter(128);
  readonly #starts = new StartWriter();
  count = 0;
  firstTime = 0;
  lastTime = 0;
  #delta = 0;
  #high = 0;
  #low = 0;
  #leading = NO_WINDOW;
  #trailing = 0;

  constructor() {
    this.#out.bits(0, 8);
  }

  finish(): Uint8Array {
    this.#out.setCount(this.count);
    const bytes = this.#out.view().slice();
    bytes[2] = this.#starts.header;
    return bytes;
  }

  append(time: number, high: number, low: number, start = 0): void {
    const out = this.#out;
    out.reserve(40);
    const stale = high >>> 0 === STALE_NAN_HIGH && low >>> 0 === STALE_NAN_LOW;
    const xorHigh = (high ^ this.#high) >>> 0;
    const xorLow = (low ^ this.#low) >>> 0;
    if (this.count === 0) {
      this.firstTime = time;
      out.varint(time);
      out.bits(high >>> 0, 32);
      out.bits(low >>> 0, 32);
    } else {
      const delta = time - this.lastTime;
      const dod = delta - this.#delta;
      this.#delta = delta;
      if (this.count === 1) {
        out.uvarint(delta);
        this.#value(stale, xorHigh, xorLow);
      } else if (dod === 0) {
        if (stale) out.bits(0b11111, 5);
        else if ((xorHigh | xorLow) === 0) out.bits(0, 1);
        else {
          out.bits(0b10, 2);
          this.#significant(xorHigh, xorLow, 0, 1, 1, 1);
        }
      } else {
        if (dod >= -4096 && dod <= 4095) out.bits((0b110 << 13) | (dod & 0x1fff), 16);
        else if (dod >= -524288 && dod <= 524287) out.bits((0b1110 << 20) | (dod & 0xfffff), 24);
        else {
          out.bits(0b11110, 5);
          out.signed64(dod);
        }
        this.#value(stale, xorHigh, xorLow);
      }
    }
    this.#starts.next(out, this.count, time, this.lastTime, start);
    if (!stale) {
      this.#high = high;
      this.#low = low;
    }
    this.lastTime = time;
    this.count++;
  }

  #value(stale: boolean, high: number, low: number): void {
    if (stale) this.#out.bits(0b111, 3);
    else if ((high | low) === 0) this.#out.bits(0, 1);
    else this.#significant(high, low, 0b10, 2, 0b110, 3);
  }

  /** The bits that changed behind the code for going on in the last window, or for a new one. */
  #significant(high: number, low: number, goOn: number, goOnSize: number, open: number, openSize: number): void {
    const out = this.#out;
    const leading = Math.min(31, high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
    const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      out.bits(goOn, goOnSize);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      out.bits(open, openSize);
      out.bits(leading, 5);
      out.bits((64 - leading - trailing) & 63, 6);
    }
    out.significant(high, low, this.#leading, this.#trailing);
  }
}
