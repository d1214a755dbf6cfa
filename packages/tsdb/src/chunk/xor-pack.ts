/**
 * XOR chunks as small as the format allows: the same samples, readable by every Prometheus, but with the windows of significant
 * bits chosen for the chunk as a whole instead of one after the other. A window that is opened a little wider at the right
 * moment saves the eleven bits of those that would have followed. For blocks, which are written once and read for years.
 */
import { LOW_WORD, type SampleBuffer } from "@pharos/model";
import { BitWriter } from "./bits.ts";
import type { EncodedChunk } from "./encode.ts";
import { Encoding } from "./encoding.ts";

/** Bits of opening a window (with its code), and of the code for going on in it. */
const OPEN = 13;
const GO_ON = 2;
/** A window is not kept open for more changed values than this: the search would cost more than it finds. */
const REACH = 64;

/** Work space for one chunk, used again. */
class Plan {
  leading = new Uint8Array(512);
  trailing = new Uint8Array(512);
  /** Bits of the best coding of the first n changed values. */
  cost = new Float64Array(513);
  /** Where the last window of that coding begins. */
  begin = new Uint32Array(513);

  reserve(count: number): void {
    if (count <= this.leading.length) return;
    this.leading = new Uint8Array(2 * count);
    this.trailing = new Uint8Array(2 * count);
    this.cost = new Float64Array(2 * count + 1);
    this.begin = new Uint32Array(2 * count + 1);
  }
}

const plan = new Plan();
const writer = new BitWriter(4096);

/** Rows `[from, to)` of a buffer, all floats, as one chunk. */
export function packXor(buffer: SampleBuffer, from: number, to: number): EncodedChunk {
  const { timestamps, words } = buffer;
  const count = to - from;
  const changed = chooseWindows(words, from, to);
  const { leading, trailing, begin } = plan;
  // From the last window back to the first: where each begins, and how wide it has to be.
  const windows: { at: number; leading: number; trailing: number }[] = [];
  for (let end = changed; end > 0; end = begin[end]) {
    let l = 31;
    let t = 63;
    for (let i = begin[end]; i < end; i++) {
      if (leading[i] < l) l = leading[i];
      if (trailing[i] < t) t = trailing[i];
    }
    windows.push({ at: begin[end], leading: l, trailing: t });
  }
  const out = writer;
  out.reset();
  out.reserve(20 * count + 24);
  out.setCount(count);
  out.varint(timestamps[from]);
  out.bits(words[2 * from + 1 - LOW_WORD], 32);
  out.bits(words[2 * from + LOW_WORD], 32);
  let delta = 0;
  let value = 0;
  let window = windows.pop();
  let open = window;
  for (let row = from + 1; row < to; row++) {
    const next = timestamps[row] - timestamps[row - 1];
    if (row === from + 1) out.uvarint(next);
    else out.timeDelta(next - delta);
    delta = next;
    const high = (words[2 * row + 1 - LOW_WORD] ^ words[2 * row - 1 - LOW_WORD]) >>> 0;
    const low = (words[2 * row + LOW_WORD] ^ words[2 * row - 2 + LOW_WORD]) >>> 0;
    if ((high | low) === 0) {
      out.bits(0, 1);
      continue;
    }
    if (window?.at === value) {
      open = window;
      window = windows.pop();
      out.bits(0b11, 2);
      out.bits(open.leading, 5);
      out.bits((64 - open.leading - open.trailing) & 63, 6);
    } else out.bits(0b10, 2);
    out.significant(high, low, open!.leading, open!.trailing);
    value++;
  }
  return {
    mint: timestamps[from],
    maxt: timestamps[to - 1],
    encoding: Encoding.xor,
    data: out.view().slice(),
  };
}

/** Fills the plan by dynamic programming over where windows begin; answers how many values changed. */
function chooseWindows(words: Uint32Array, from: number, to: number): number {
  plan.reserve(to - from);
  const { leading, trailing, cost, begin } = plan;
  let count = 0;
  for (let row = from + 1; row < to; row++) {
    const high = (words[2 * row + 1 - LOW_WORD] ^ words[2 * row - 1 - LOW_WORD]) >>> 0;
    const low = (words[2 * row + LOW_WORD] ^ words[2 * row - 2 + LOW_WORD]) >>> 0;
    if ((high | low) === 0) continue;
    leading[count] = Math.min(31, high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
    trailing[count] = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    count++;
  }
  cost[0] = 0;
  for (let end = 1; end <= count; end++) {
    let l = 31;
    let t = 63;
    let best = Number.POSITIVE_INFINITY;
    const stop = Math.max(0, end - REACH);
    for (let start = end - 1; start >= stop; start--) {
      if (leading[start] < l) l = leading[start];
      if (trailing[start] < t) t = trailing[start];
      const size = 64 - l - t;
      const bits = cost[start] + OPEN - GO_ON + (end - start) * (GO_ON + size);
      if (bits < best) {
        best = bits;
        begin[end] = start;
      }
    }
    cost[end] = best;
  }
  return count;
}
