/**
 * The series of the head as records in memory, addressed by number. What appending a sample touches is one cache line.
 *
 *   hot (64 bytes)   f64 time of the newest sample · f64 its value (by words: a NaN keeps its payload) ·
 *                    f64 newest time of the transaction in progress · u32 ms that the open chunk still has ·
 *                    u32 its first page (0: none) · f64 ref in the write-ahead log · u32 last difference of times ·
 *                    u32 the page being written · u32 bits written · u16 samples, u8 leading, u8 trailing zeros of its
 *                    window · u8 flags, u24 generation · u32 label set
 *   cold (24 bytes)  u32 list of closed chunks · u32 their count · u32 capacity of the list · u32 metadata ·
 *                    u32 hash of the labels · u32 who reported it first
 *   label set        u32 count · u32 pair* (see label-index.ts)
 *
 * Numbers are used again; the generation in a handle tells whether it still means the same series.
 */
import { Labels, LOW_WORD } from "@pharos/model";
import type { Heap } from "../memory/heap.ts";
import { Region } from "../memory/region.ts";
import { HashTable } from "./hash-table.ts";
import type { LabelIndex, PairSet } from "./label-index.ts";

export const HOT_BYTES = 64;
export const COLD_BYTES = 24;
/** Index of a field in `hot.f64` is 8 × series + this. */
export const LAST_TIME = 0;
export const PENDING_TIME = 2;
export const REF = 4;
/** Index of a field in `hot.u32` is 16 × series + this. */
export const LAST_LOW = 2 + LOW_WORD;
export const LAST_HIGH = 3 - LOW_WORD;
export const REMAINING = 6;
export const FIRST_PAGE = 7;
export const DELTA = 10;
export const PAGE = 11;
export const BITS = 12;
export const COUNT_AND_WINDOW = 13;
export const FLAGS = 14;
export const LABELS = 15;
/** Index of a field in `cold.u32` is 6 × series + this. */
export const CLOSED = 0;
export const CLOSED_COUNT = 1;
export const CLOSED_CAPACITY = 2;
export const METADATA = 3;
export const HASH = 4;
export const SOURCE = 5;

/** In the table at all. */
export const ALIVE = 1;
/** In the log: it may be seen. */
export const LOGGED = 2;
/** The newest sample is a histogram. */
export const HISTOGRAM = 4;
/** The transaction in progress has samples of the other kind for it. */
export const PENDING_FLOAT = 8;
export const PENDING_HISTOGRAM = 16;
/** The open chunk is of the encoding XOR2. */
export const XOR2 = 32;

const GENERATION_SHIFT = 8;
/** Generations are counted in the part of a handle above 32 bits. */
const GENERATION_STEP = 2 ** 32;
const MAX_GENERATION = 2 ** 20;

export class SeriesTable {
  readonly hot = new Region();
  readonly cold = new Region();
  readonly #heap: Heap;
  readonly #index: LabelIndex;
  readonly #table = new HashTable((series) => this.cold.u32[6 * series + HASH]);
  readonly #idle: number[] = [];
  #count = 0;

  constructor(heap: Heap, index: LabelIndex) {
    this.#heap = heap;
    this.#index = index;
  }

  /** Series numbers are below this. */
  get end(): number {
    return this.#count;
  }

  get count(): number {
    return this.#count - this.#idle.length;
  }

  /** Bytes of the records and of the table that finds them. */
  get bytes(): number {
    return this.#count * (HOT_BYTES + COLD_BYTES) + this.#table.bytes;
  }

  alive(series: number): boolean {
    return (this.hot.u32[16 * series + FLAGS] & ALIVE) !== 0;
  }

  has(series: number, flag: number): boolean {
    return (this.hot.u32[16 * series + FLAGS] & flag) !== 0;
  }

  set(series: number, flag: number): void {
    this.hot.u32[16 * series + FLAGS] |= flag;
  }

  clear(series: number, flag: number): void {
    this.hot.u32[16 * series + FLAGS] &= ~flag;
  }

  /** What the outside knows a series by; never 0. */
  handle(series: number): number {
    return (this.hot.u32[16 * series + FLAGS] >>> GENERATION_SHIFT) * GENERATION_STEP + series + 1;
  }

  /** The series of a handle, -1 when it is gone. */
  resolve(handle: number): number {
    const series = (handle >>> 0) - 1;
    if (series < 0 || series >= this.#count) return -1;
    const flags = this.hot.u32[16 * series + FLAGS];
    if ((flags & ALIVE) === 0) return -1;
    return handle === (flags >>> GENERATION_SHIFT) * GENERATION_STEP + series + 1 ? series : -1;
  }

  find(labels: Labels): number {
    const set = this.#index.find(labels);
    return set ? this.#find(set, hashOf(set)) : -1;
  }

  /** A new series; its labels must not be in the table. */
  create(labels: Labels, ref: number): number {
    const set = this.#index.intern(labels);
    const { pairs, count } = set;
    const hash = hashOf(set);
    const address = this.#heap.allocate(4 * (count + 1));
    const { u32 } = this.#heap.region;
    u32[address >>> 2] = count;
    for (let i = 0; i < count; i++) u32[(address >>> 2) + 1 + i] = pairs[i];
    const series = this.#idle.pop() ?? this.#count++;
    this.hot.ensure(HOT_BYTES * (series + 1));
    this.cold.ensure(COLD_BYTES * (series + 1));
    const cold = 6 * series;
    this.cold.u32.fill(0, cold, cold + 6);
    this.cold.u32[cold + HASH] = hash;
    const hot = 8 * series;
    const generation = this.hot.u32[2 * hot + FLAGS] >>> GENERATION_SHIFT;
    this.hot.u32.fill(0, 2 * hot, 2 * hot + 16);
    this.hot.u32[2 * hot + FLAGS] = ALIVE | (generation << GENERATION_SHIFT);
    this.hot.f64[hot + LAST_TIME] = Number.NEGATIVE_INFINITY;
    this.hot.f64[hot + PENDING_TIME] = Number.NEGATIVE_INFINITY;
    this.hot.f64[hot + REF] = ref;
    this.hot.u32[2 * hot + LABELS] = address;
    this.#table.add(hash, series);
    return series;
  }

  /** Lists the series under its labels: from now on it is found by matchers. */
  list(series: number): void {
    const at = this.hot.u32[16 * series + LABELS] >>> 2;
    const { u32 } = this.#heap.region;
    this.#index.list(series, u32, at + 1, u32[at]);
    this.set(series, LOGGED);
  }

  /** Takes series out. Their chunks must have been freed before. */
  remove(gone: ReadonlySet<number>): void {
    const touched = new Set<number>();
    for (const series of gone) {
      const at = this.hot.u32[16 * series + LABELS] >>> 2;
      const { u32 } = this.#heap.region;
      for (let i = 1; i <= u32[at]; i++) touched.add(u32[at + i]);
    }
    this.#index.unlist(gone, touched);
    for (const series of gone) {
      const address = this.hot.u32[16 * series + LABELS];
      const { u32 } = this.#heap.region;
      const count = u32[address >>> 2];
      const flags = this.hot.u32[16 * series + FLAGS];
      if ((flags & LOGGED) === 0) {
        this.#index.dropUnused(u32.slice((address >>> 2) + 1, (address >>> 2) + 1 + count), count);
      }
      this.#table.remove(this.cold.u32[6 * series + HASH], series);
      this.#heap.free(address, 4 * (count + 1));
      // A number whose generations are used up stays out of use.
      const generation = (flags >>> GENERATION_SHIFT) + 1;
      this.hot.u32[16 * series + FLAGS] = generation << GENERATION_SHIFT;
      if (generation < MAX_GENERATION) this.#idle.push(series);
    }
  }

  /** Address of the series' label set. */
  labelsAt(series: number): number {
    return this.hot.u32[16 * series + LABELS];
  }

  labels(series: number): Labels {
    const at = this.hot.u32[16 * series + LABELS] >>> 2;
    const { u32 } = this.#heap.region;
    return Labels.fromSortedPairs(this.#index.texts(u32, at + 1, u32[at]));
  }

  /** Value of one label, "" without it. */
  label(series: number, name: string): string {
    const at = this.hot.u32[16 * series + LABELS] >>> 2;
    return this.#index.valueOf(this.#heap.region.u32, at + 1, this.#heap.region.u32[at], name);
  }

  /** The pair of a label name that a series has, -1 without it. */
  pairOf(series: number, name: string): number {
    const at = this.hot.u32[16 * series + LABELS] >>> 2;
    return this.#index.pairOf(this.#heap.region.u32, at + 1, this.#heap.region.u32[at], name);
  }

  /** Every label name and value of some series. */
  symbolsOf(series: Uint32Array): Set<string> {
    const pairs = new Set<number>();
    for (const one of series) {
      const at = this.hot.u32[16 * one + LABELS] >>> 2;
      const { u32 } = this.#heap.region;
      for (let i = 1; i <= u32[at]; i++) pairs.add(u32[at + i]);
    }
    return new Set(this.#index.texts(Uint32Array.from(pairs), 0, pairs.size));
  }

  /** All series that may be seen, ascending. */
  listed(): Uint32Array {
    const out = new Uint32Array(this.count);
    let found = 0;
    const { u32 } = this.hot;
    for (let series = 0; series < this.#count; series++) {
      if ((u32[16 * series + FLAGS] & LOGGED) !== 0) out[found++] = series;
    }
    return out.subarray(0, found);
  }

  #find({ pairs, count }: PairSet, hash: number): number {
    const { u32 } = this.#heap.region;
    search: for (let series = this.#table.first(hash); series >= 0; series = this.#table.next()) {
      if (this.cold.u32[6 * series + HASH] !== hash) continue;
      const at = this.hot.u32[16 * series + LABELS] >>> 2;
      if (u32[at] !== count) continue;
      for (let i = 0; i < count; i++) if (u32[at + 1 + i] !== pairs[i]) continue search;
      return series;
    }
    return -1;
  }
}

function hashOf({ pairs, count }: PairSet): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ pairs[i], 0x01000193) ^ (hash >>> 15);
  return hash & 0x7fffffff;
}
