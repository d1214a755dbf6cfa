/**
 * Label names and values, each once, as bytes in the heap. A symbol is a number; it lives as long as somebody retains it.
 *
 *   record (16 bytes): u32 address of the bytes · u32 their count, top bit: all ASCII · u32 retains · u32 hash
 */
import type { Heap } from "../memory/heap.ts";
import { Region, type SharedMemory } from "../memory/region.ts";
import { HashTable } from "./hash-table.ts";

const ADDRESS = 0;
const SIZE = 1;
const RETAINS = 2;
const HASH = 3;
const ASCII = 0x80000000;
/** Texts kept as strings; the others are made anew when asked for. */
const CACHED = 65_536;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class Symbols {
  readonly #heap: Heap;
  readonly #records = new Region();
  readonly #table = new HashTable((symbol) => this.#records.u32[4 * symbol + HASH]);
  readonly #idle: number[] = [];
  #cache = new Map<number, string>();
  #count = 0;
  /** UTF-8 of a text that is not ASCII. */
  #scratch: Buffer = Buffer.alloc(1024);

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  get count(): number {
    return this.#count - this.#idle.length;
  }

  /** Symbols are below this. */
  get bound(): number {
    return this.#count;
  }

  get memory(): SharedMemory {
    return this.#records.memory;
  }

  /** Bytes outside the heap. */
  get bytes(): number {
    return 16 * this.#count + this.#table.bytes;
  }

  /** The symbol of a text, -1 when nobody has interned it. */
  find(text: string): number {
    const hash = asciiHash(text);
    if (hash >= 0) return this.#findAscii(text, hash);
    const size = this.#encode(text);
    return this.#findBytes(size, bytesHash(this.#scratch, size));
  }

  /** The symbol of a text, made when there is none yet; retained by the caller. */
  intern(text: string): number {
    let hash = asciiHash(text);
    const ascii = hash >= 0;
    let size = text.length;
    let symbol: number;
    if (ascii) symbol = this.#findAscii(text, hash);
    else {
      size = this.#encode(text);
      hash = bytesHash(this.#scratch, size);
      symbol = this.#findBytes(size, hash);
    }
    if (symbol < 0) symbol = this.#add(text, size, hash, ascii);
    this.#records.u32[4 * symbol + RETAINS]++;
    return symbol;
  }

  release(symbol: number): void {
    const { u32 } = this.#records;
    if (--u32[4 * symbol + RETAINS] > 0) return;
    this.#table.remove(u32[4 * symbol + HASH], symbol);
    this.#heap.free(u32[4 * symbol + ADDRESS], u32[4 * symbol + SIZE] & ~ASCII || 1);
    this.#cache.delete(symbol);
    this.#heap.defer(() => this.#idle.push(symbol));
  }

  text(symbol: number): string {
    let text = this.#cache.get(symbol);
    if (text !== undefined) return text;
    text = symbolText(this.#heap.region, this.#records, symbol);
    if (this.#cache.size >= CACHED) this.#cache = new Map();
    this.#cache.set(symbol, text);
    return text;
  }

  /** Bytes of the text. */
  size(symbol: number): number {
    return this.#records.u32[4 * symbol + SIZE] & ~ASCII;
  }

  #add(text: string, size: number, hash: number, ascii: boolean): number {
    const at = this.#heap.allocate(size || 1);
    if (ascii) this.#heap.region.buffer.write(text, at, size, "latin1");
    else this.#scratch.copy(this.#heap.region.buffer, at, 0, size);
    const symbol = this.#idle.pop() ?? this.#count++;
    this.#records.ensure(16 * (symbol + 1));
    const { u32 } = this.#records;
    u32[4 * symbol + ADDRESS] = at;
    u32[4 * symbol + SIZE] = ascii ? size | ASCII : size;
    u32[4 * symbol + RETAINS] = 0;
    u32[4 * symbol + HASH] = hash;
    this.#table.add(hash, symbol);
    return symbol;
  }

  #findAscii(text: string, hash: number): number {
    const { u32 } = this.#records;
    const { u8 } = this.#heap.region;
    search: for (let probe = this.#table.first(hash); probe >= 0; probe = this.#table.next()) {
      if (u32[4 * probe + HASH] !== hash || (u32[4 * probe + SIZE] & ~ASCII) !== text.length) continue;
      const at = u32[4 * probe + ADDRESS];
      for (let i = 0; i < text.length; i++) if (u8[at + i] !== text.charCodeAt(i)) continue search;
      return probe;
    }
    return -1;
  }

  #findBytes(size: number, hash: number): number {
    const { u32 } = this.#records;
    const { u8 } = this.#heap.region;
    search: for (let probe = this.#table.first(hash); probe >= 0; probe = this.#table.next()) {
      if (u32[4 * probe + HASH] !== hash || u32[4 * probe + SIZE] !== size) continue;
      const at = u32[4 * probe + ADDRESS];
      for (let i = 0; i < size; i++) if (u8[at + i] !== this.#scratch[i]) continue search;
      return probe;
    }
    return -1;
  }

  #encode(text: string): number {
    if (this.#scratch.length < 3 * text.length) this.#scratch = Buffer.alloc(4 * text.length);
    return this.#scratch.write(text, 0, "utf8");
  }
}

/** More than any symbol that another thread's records can hold. */
export function symbolBound({ u32 }: Region): number {
  return u32.length / 4;
}

/** Text of a symbol out of the heap and the symbols' records. */
export function symbolText(heap: Region, { u32 }: Region, symbol: number): string {
  const at = u32[4 * symbol + ADDRESS];
  const size = u32[4 * symbol + SIZE];
  return heap.buffer.toString(size & ASCII ? "latin1" : "utf8", at, at + (size & ~ASCII));
}

/** FNV-1a of an ASCII text, 31 bits; -1 when it is not ASCII. */
function asciiHash(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return -1;
    hash = Math.imul(hash ^ code, FNV_PRIME);
  }
  return hash & 0x7fffffff;
}

function bytesHash(bytes: Uint8Array, size: number): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < size; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
  return hash & 0x7fffffff;
}
