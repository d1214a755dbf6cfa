/**
 * Labels of the head: every pair of name and value once, with the list of the series that have it.
 *
 *   pair (32 bytes): u32 name · u32 value (symbols) · u32 address of the list · u32 series in it · u32 capacity of the list ·
 *                    u32 1 when the list is out of order · u32 place among the pairs of its name · u32 hash
 *
 * A list is u32 series numbers. Numbers are used again when series go, so that a list may get out of order; it is put in
 * order when somebody reads it.
 */
import { compareStrings, type Labels } from "@pharos/model";
import { capacityFor, type Heap } from "../memory/heap.ts";
import { Region, type SharedMemory } from "../memory/region.ts";
import type { PostingsSource } from "../postings/select.ts";
import { NumberMap } from "../select/number-map.ts";
import { HashTable } from "./hash-table.ts";
import { Symbols } from "./symbols.ts";

const WORDS = 8;
const NAME = 0;
const VALUE = 1;
const LIST = 2;
const COUNT = 3;
const CAPACITY = 4;
const UNORDERED = 5;
const PLACE = 6;
const HASH = 7;

/** Ordering all pairs costs some milliseconds for every ten thousand. */
const RANKS_PAUSE_MS = 10_000;

/** A pair without a place among the others. */
export const UNRANKED = 0xffffffff;

const NONE = new Uint32Array();

interface Name {
  text: string;
  symbol: number;
  pairs: number[];
}

/** The pairs of a label set, in its order; the array is reused. */
export interface PairSet {
  readonly pairs: Uint32Array;
  readonly count: number;
}

export class LabelIndex implements PostingsSource {
  readonly #heap: Heap;
  readonly #symbols: Symbols;
  readonly #pairs = new Region();
  readonly #table = new HashTable((pair) => this.#pairs.u32[WORDS * pair + HASH]);
  readonly #names = new Map<string, Name>();
  readonly #idle: number[] = [];
  readonly #alive: () => Uint32Array;
  readonly #labelsAt: ((series: number) => number) | undefined;
  /** Pairs made and forgotten. */
  #changes = 0;
  #ranks: Uint32Array = NONE;
  #ranksOf = -1;
  #ranksDue = 0;
  #count = 0;
  #scratch = new Uint32Array(64);

  /** `alive`: all series, ascending. `labelsAt`: address of the label set of one. */
  constructor(heap: Heap, alive: () => Uint32Array, labelsAt?: (series: number) => number) {
    this.#heap = heap;
    this.#symbols = new Symbols(heap);
    this.#alive = alive;
    this.#labelsAt = labelsAt;
  }

  /** For readers in other threads. */
  get memories(): { pairs: SharedMemory; symbols: SharedMemory } {
    return { pairs: this.#pairs.memory, symbols: this.#symbols.memory };
  }

  /** Bytes outside the heap. */
  get bytes(): number {
    return 4 * WORDS * this.#count + this.#table.bytes + this.#symbols.bytes;
  }

  get pairCount(): number {
    return this.#count - this.#idle.length;
  }

  /** The pairs of labels; undefined when one of them is not known: then there is no such series. */
  find(labels: Labels): PairSet | undefined {
    const { pairs: texts } = labels;
    const count = texts.length / 2;
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) {
      const name = this.#names.get(texts[2 * i]);
      const value = name ? this.#symbols.find(texts[2 * i + 1]) : -1;
      const pair = name && value >= 0 ? this.#findPair(name.symbol, value) : -1;
      if (pair < 0) return undefined;
      this.#scratch[i] = pair;
    }
    return { pairs: this.#scratch, count };
  }

  /** The pairs of labels, made where needed. They stay as long as series are listed with them. */
  intern(labels: Labels): PairSet {
    const { pairs: texts } = labels;
    const count = texts.length / 2;
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) this.#scratch[i] = this.#internPair(texts[2 * i], texts[2 * i + 1]);
    return { pairs: this.#scratch, count };
  }

  /** Names and values of pairs, as `Labels.pairs` has them. */
  texts(u32: Uint32Array, from: number, count: number): string[] {
    return pairTexts(this.#pairs, (symbol) => this.#symbols.text(symbol), u32, from, count);
  }

  /** Value of a name among pairs, "" when it is not there. */
  valueOf(u32: Uint32Array, from: number, count: number, name: string): string {
    const pair = this.pairOf(u32, from, count, name);
    return pair < 0 ? "" : this.valueText(pair);
  }

  /** Lists a series with its pairs. */
  list(series: number, u32: Uint32Array, from: number, count: number): void {
    // The heap may grow, and `u32` with it: the pairs are copied first.
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(2 * count);
    const pairs = this.#scratch;
    for (let i = 0; i < count; i++) pairs[i] = u32[from + i];
    for (let i = 0; i < count; i++) this.#append(pairs[i], series);
  }

  /** Takes series out of the lists of the given pairs. Pairs without series are forgotten. */
  unlist(gone: ReadonlySet<number>, pairs: Iterable<number>): void {
    for (const pair of pairs) {
      const records = this.#pairs.u32;
      const at = WORDS * pair;
      const old = records[at + LIST];
      const list = this.#list(pair);
      let kept = 0;
      for (const series of list) if (!gone.has(series)) kept++;
      if (kept === list.length) continue;
      if (kept === 0) {
        this.#forget(pair);
        continue;
      }
      // A new list: readers may be in the old one.
      const address = this.#heap.allocate(4 * kept);
      const { u32 } = this.#heap.region;
      let to = address >>> 2;
      for (let i = 0, from = old >>> 2; i < list.length; i++) {
        if (!gone.has(u32[from + i])) u32[to++] = u32[from + i];
      }
      this.#heap.free(old, records[at + CAPACITY]);
      records[at + LIST] = address;
      records[at + COUNT] = kept;
      records[at + CAPACITY] = capacityFor(4 * kept);
    }
  }

  /** Forgets a pair nobody is listed with: one that was made for a series that never came. */
  dropUnused(pairs: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.#pairs.u32[WORDS * pairs[i] + COUNT] === 0) this.#forget(pairs[i]);
  }

  names(): string[] {
    return [...this.#names.keys()].sort(compareStrings);
  }

  values(name: string): string[] {
    return [...this.unsortedValues(name)].sort(compareStrings);
  }

  *unsortedValues(name: string): Generator<string> {
    for (const pair of this.#names.get(name)?.pairs ?? []) {
      yield this.#symbols.text(this.#pairs.u32[WORDS * pair + VALUE]);
    }
  }

  valueCount(name: string): number {
    return this.#names.get(name)?.pairs.length ?? 0;
  }

  /** Pairs of a label with their numbers of series and the bytes of their values. The object is used again. */
  *statistics(name: string): Generator<{ pair: number; series: number; bytes: number }> {
    const entry = { pair: 0, series: 0, bytes: 0 };
    for (const pair of this.#names.get(name)?.pairs ?? []) {
      const { u32 } = this.#pairs;
      const series = u32[WORDS * pair + COUNT];
      // Of a transaction that has not ended.
      if (series === 0) continue;
      entry.pair = pair;
      entry.series = series;
      entry.bytes = this.#symbols.size(u32[WORDS * pair + VALUE]);
      yield entry;
    }
  }

  /** The value of a pair. */
  valueText(pair: number): string {
    return this.#symbols.text(this.#pairs.u32[WORDS * pair + VALUE]);
  }

  /** The pair of this name among pairs, -1 when it is not there. */
  pairOf(u32: Uint32Array, from: number, count: number, name: string): number {
    const symbol = this.#names.get(name)?.symbol ?? -1;
    const records = this.#pairs.u32;
    for (let i = 0; i < count; i++) if (records[WORDS * u32[from + i] + NAME] === symbol) return u32[from + i];
    return -1;
  }

  /**
   * For pairs their places in the order of names and values, UNRANKED for those that have come since it was put up. That is done
   * when it is asked for, but not more often than every few seconds.
   */
  currentRanks(): Uint32Array {
    const now = performance.now();
    if (this.#ranksOf !== this.#changes && now >= this.#ranksDue) {
      this.#ranks = this.pairRanks();
      this.#ranksOf = this.#changes;
      this.#ranksDue = now + RANKS_PAUSE_MS;
    }
    return this.#ranks;
  }

  /** Order of two pairs by their texts. */
  comparePairs(a: number, b: number): number {
    const { u32 } = this.#pairs;
    const [nameA, nameB] = [u32[WORDS * a + NAME], u32[WORDS * b + NAME]];
    if (nameA !== nameB) return compareStrings(this.text(nameA), this.text(nameB));
    return compareStrings(this.text(u32[WORDS * a + VALUE]), this.text(u32[WORDS * b + VALUE]));
  }

  /** The records of all pairs, see `pairName` and `pairValue`. */
  get records(): Region {
    return this.#pairs;
  }

  get symbolBound(): number {
    return this.#symbols.bound;
  }

  text(symbol: number): string {
    return this.#symbols.text(symbol);
  }

  /** For every pair its place in the order of names and values. */
  pairRanks(): Uint32Array {
    const ranks = new Uint32Array(this.#count).fill(UNRANKED);
    let rank = 0;
    for (const name of this.names()) {
      const { u32 } = this.#pairs;
      const pairs = this.#names.get(name)!.pairs.map((pair) => ({
        pair,
        text: this.#symbols.text(u32[WORDS * pair + VALUE]),
      }));
      pairs.sort((a, b) => compareStrings(a.text, b.text));
      for (const { pair } of pairs) ranks[pair] = rank++;
    }
    return ranks;
  }

  all(): Uint32Array {
    return this.#alive();
  }

  /** Series with this pair, ascending; valid until the next change. */
  refs(name: string, value: string): Uint32Array {
    const entry = this.#names.get(name);
    const symbol = entry ? this.#symbols.find(value) : -1;
    const pair = entry && symbol >= 0 ? this.#findPair(entry.symbol, symbol) : -1;
    return pair < 0 ? NONE : this.#ordered(pair);
  }

  filter(refs: Uint32Array, name: string, accepts: (value: string) => boolean): Uint32Array | undefined {
    const entry = this.#names.get(name);
    if (!entry) return accepts("") ? refs : NONE;
    const records = this.#pairs.u32;
    const labelsAt = this.#labelsAt;
    if (!labelsAt) return undefined;
    let listed = 0;
    for (const pair of entry.pairs) listed += records[WORDS * pair + COUNT];
    if (listed < refs.length) return undefined;
    const out = new Uint32Array(refs.length);
    let count = 0;
    const withoutIt = accepts("");
    /** By pair: 1 accepted, 2 refused. */
    const known = new NumberMap(this.#count);
    const { u32 } = this.#heap.region;
    for (let i = 0; i < refs.length; i++) {
      const at = labelsAt(refs[i]) >>> 2;
      const end = at + u32[at];
      let pair = -1;
      for (let k = at + 1; k <= end; k++) {
        if (records[WORDS * u32[k] + NAME] !== entry.symbol) continue;
        pair = u32[k];
        break;
      }
      if (pair < 0) {
        if (withoutIt) out[count++] = refs[i];
        continue;
      }
      let verdict = known.get(pair);
      if (verdict === 0) {
        verdict = accepts(this.#symbols.text(records[WORDS * pair + VALUE])) ? 1 : 2;
        known.set(pair, verdict);
      }
      if (verdict === 1) out[count++] = refs[i];
    }
    return out.subarray(0, count);
  }

  #findPair(name: number, value: number): number {
    const hash = pairHash(name, value);
    const { u32 } = this.#pairs;
    for (let pair = this.#table.first(hash); pair >= 0; pair = this.#table.next()) {
      if (u32[WORDS * pair + NAME] === name && u32[WORDS * pair + VALUE] === value) return pair;
    }
    return -1;
  }

  #internPair(name: string, value: string): number {
    let entry = this.#names.get(name);
    if (!entry) this.#names.set(name, (entry = { text: name, symbol: this.#symbols.intern(name), pairs: [] }));
    const symbol = this.#symbols.intern(value);
    const known = this.#findPair(entry.symbol, symbol);
    if (known >= 0) {
      this.#symbols.release(symbol);
      return known;
    }
    this.#changes++;
    const pair = this.#idle.pop() ?? this.#count++;
    this.#pairs.ensure(4 * WORDS * (pair + 1));
    const { u32 } = this.#pairs;
    const at = WORDS * pair;
    u32.fill(0, at, at + WORDS);
    u32[at + NAME] = entry.symbol;
    u32[at + VALUE] = symbol;
    u32[at + PLACE] = entry.pairs.length;
    u32[at + HASH] = pairHash(entry.symbol, symbol);
    entry.pairs.push(pair);
    if (pair < this.#ranks.length) this.#ranks[pair] = UNRANKED;
    this.#table.add(u32[at + HASH], pair);
    return pair;
  }

  #forget(pair: number): void {
    this.#changes++;
    const { u32 } = this.#pairs;
    const at = WORDS * pair;
    this.#table.remove(u32[at + HASH], pair);
    if (u32[at + LIST] !== 0) this.#heap.free(u32[at + LIST], u32[at + CAPACITY]);
    const name = this.#names.get(this.#symbols.text(u32[at + NAME]))!;
    const last = name.pairs.pop()!;
    if (last !== pair) {
      name.pairs[u32[at + PLACE]] = last;
      u32[WORDS * last + PLACE] = u32[at + PLACE];
    }
    this.#symbols.release(u32[at + VALUE]);
    if (name.pairs.length === 0) {
      this.#names.delete(name.text);
      this.#symbols.release(name.symbol);
    }
    u32[at + LIST] = 0;
    u32[at + COUNT] = 0;
    // Another thread may still be looking up what the pair was.
    this.#heap.defer(() => this.#idle.push(pair));
  }

  #append(pair: number, series: number): void {
    const at = WORDS * pair;
    const records = this.#pairs.u32;
    const count = records[at + COUNT];
    if (4 * (count + 1) > records[at + CAPACITY]) {
      // A quarter more than needed: lists are most of the index.
      const bytes = Math.max(16, 4 * (count + 1 + (count >> 2)));
      const address = this.#heap.allocate(bytes);
      const { u32 } = this.#heap.region;
      const old = records[at + LIST];
      if (count > 0) {
        u32.copyWithin(address >>> 2, old >>> 2, (old >>> 2) + count);
        this.#heap.free(old, records[at + CAPACITY]);
      }
      records[at + LIST] = address;
      records[at + CAPACITY] = capacityFor(bytes);
    }
    const { u32 } = this.#heap.region;
    const list = records[at + LIST] >>> 2;
    if (count > 0 && u32[list + count - 1] > series) records[at + UNORDERED] = 1;
    u32[list + count] = series;
    records[at + COUNT] = count + 1;
  }

  #list(pair: number): Uint32Array {
    const { u32 } = this.#pairs;
    const list = u32[WORDS * pair + LIST] >>> 2;
    return this.#heap.region.u32.subarray(list, list + u32[WORDS * pair + COUNT]);
  }

  #ordered(pair: number): Uint32Array {
    const { u32 } = this.#pairs;
    const at = WORDS * pair;
    if (u32[at + UNORDERED] === 0) return this.#list(pair);
    const sorted = this.#list(pair).slice().sort();
    const address = this.#heap.allocate(u32[at + CAPACITY]);
    this.#heap.region.u32.set(sorted, address >>> 2);
    this.#heap.free(u32[at + LIST], u32[at + CAPACITY]);
    u32[at + LIST] = address;
    u32[at + UNORDERED] = 0;
    return this.#list(pair);
  }
}

/** Symbols of the name and the value of a pair. */
export function pairName({ u32 }: Region, pair: number): number {
  return u32[WORDS * pair + NAME];
}

export function pairValue({ u32 }: Region, pair: number): number {
  return u32[WORDS * pair + VALUE];
}

/** Names and values of `count` pairs whose numbers stand in `u32` from `from` on. */
export function pairTexts(
  { u32: records }: Region,
  textOf: (symbol: number) => string,
  u32: Uint32Array,
  from: number,
  count: number,
): string[] {
  const out: string[] = new Array(2 * count);
  for (let i = 0; i < count; i++) {
    const at = WORDS * u32[from + i];
    out[2 * i] = textOf(records[at + NAME]);
    out[2 * i + 1] = textOf(records[at + VALUE]);
  }
  return out;
}

function pairHash(name: number, value: number): number {
  return (Math.imul(name, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b)) & 0x7fffffff;
}
