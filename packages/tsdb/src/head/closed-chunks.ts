/**
 * The closed chunks of a series: a list in the heap of where they are in the head's chunk files.
 *
 *   entry (24 bytes): u32 file · u32 offset · f64 time of the first sample · u32 time from first to last ·
 *                     u24 bytes, u8 encoding
 *
 * A list is only ever added to in place. When entries go, a new list takes its place: readers keep the old one.
 */
import type { SampleBuffer } from "@pharos/model";
import { decodeChunk } from "../chunk/decode.ts";
import { capacityFor, type Heap, type Readable } from "../memory/heap.ts";
import type { ChunkFiles } from "./chunk-files.ts";
import { CLOSED, CLOSED_CAPACITY, CLOSED_COUNT, type SeriesTable } from "./series-table.ts";

const ENTRY = 24;

export interface ClosedChunk {
  mint: number;
  maxt: number;
  file: number;
  offset: number;
  bytes: number;
  encoding: number;
}

/** Adds the chunk that was written last to the files. */
export function addClosed(
  heap: Heap,
  table: SeriesTable,
  series: number,
  { file, offset }: { file: number; offset: number },
  mint: number,
  maxt: number,
  bytes: number,
  encoding: number,
): void {
  const cold = 6 * series;
  const records = table.cold.u32;
  const count = records[cold + CLOSED_COUNT];
  if (ENTRY * (count + 1) > records[cold + CLOSED_CAPACITY]) {
    const capacity = capacityFor(ENTRY * (count + 1));
    const list = heap.allocate(capacity);
    const old = records[cold + CLOSED];
    if (count > 0) {
      heap.region.u8.copyWithin(list, old, old + ENTRY * count);
      heap.free(old, records[cold + CLOSED_CAPACITY]);
    }
    records[cold + CLOSED] = list;
    records[cold + CLOSED_CAPACITY] = capacity;
  }
  const at = records[cold + CLOSED] + ENTRY * count;
  const { u32, f64 } = heap.region;
  u32[at >>> 2] = file;
  u32[(at >>> 2) + 1] = offset;
  f64[(at >>> 3) + 1] = mint;
  u32[(at >>> 2) + 4] = maxt - mint;
  u32[(at >>> 2) + 5] = (bytes << 8) | encoding;
  records[cold + CLOSED_COUNT] = count + 1;
}

/** Entry `i` of a list. */
export function closedMint(heap: Readable, list: number, i: number): number {
  return heap.region.f64[((list + ENTRY * i) >>> 3) + 1];
}

export function closedMaxt(heap: Readable, list: number, i: number): number {
  const at = list + ENTRY * i;
  return heap.region.f64[(at >>> 3) + 1] + heap.region.u32[(at >>> 2) + 4];
}

export function readClosed(
  heap: Readable,
  files: ChunkFiles,
  list: number,
  i: number,
): { encoding: number; data: Uint8Array } {
  const at = (list + ENTRY * i) >>> 2;
  const { u32 } = heap.region;
  return files.read(u32[at], u32[at + 1], u32[at + 5] >>> 8);
}

/** Appends the samples of entry `i` with mint <= t <= maxt. */
export function decodeClosed(
  heap: Readable,
  files: ChunkFiles,
  list: number,
  i: number,
  mint: number,
  maxt: number,
  out: SampleBuffer,
): void {
  const { encoding, data } = readClosed(heap, files, list, i);
  decodeChunk(encoding, data, mint, maxt, out);
}

/** Drops the chunks that end before `mint`; answers how many those were. */
export function dropClosed(heap: Heap, table: SeriesTable, series: number, mint: number): number {
  const cold = 6 * series;
  const records = table.cold.u32;
  const list = records[cold + CLOSED];
  const count = records[cold + CLOSED_COUNT];
  let drop = 0;
  while (drop < count && closedMaxt(heap, list, drop) < mint) drop++;
  if (drop === 0) return 0;
  const kept = count - drop;
  const capacity = records[cold + CLOSED_CAPACITY];
  records[cold + CLOSED] = 0;
  records[cold + CLOSED_CAPACITY] = 0;
  records[cold + CLOSED_COUNT] = kept;
  if (kept > 0) {
    const fresh = heap.allocate(ENTRY * kept);
    heap.region.u8.copyWithin(fresh, list + ENTRY * drop, list + ENTRY * count);
    records[cold + CLOSED] = fresh;
    records[cold + CLOSED_CAPACITY] = capacityFor(ENTRY * kept);
  }
  heap.free(list, capacity);
  return drop;
}
