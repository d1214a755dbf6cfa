/**
 * Blocks of bytes inside a region, by size classes with lists of free blocks: what a freed block held goes to the next one
 * of its class. Sizes rise by 16 bytes, later by about a fifth, so that little is lost to rounding.
 *
 * A block that a reader may still be looking at is not given out again: readers pin the heap, and what is freed while
 * somebody holds a pin waits until all pins of that time are gone.
 */
import { Region } from "./region.ts";

const GRAIN = 16;
const LINE = 64;
const MAX_BLOCK = 2 ** 31;

/** Sizes of the classes, ascending. */
const SIZES: number[] = [];
for (let size = GRAIN; size <= MAX_BLOCK; ) {
  SIZES.push(size);
  size += size < 256 ? GRAIN : Math.ceil(size / 5 / GRAIN) * GRAIN;
}
/** Class of a size up to 4 KiB, by units of 16 bytes. */
const SMALL = new Uint8Array(4096 / GRAIN + 1);
for (let units = 0, index = 0; units < SMALL.length; units++) {
  while (SIZES[index] < units * GRAIN) index++;
  SMALL[units] = index;
}

/** Number of the smallest class that holds `bytes`. */
function classOf(bytes: number): number {
  if (bytes <= 4096) return SMALL[(bytes + GRAIN - 1) >>> 4];
  let low = 0;
  let high = SIZES.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (SIZES[middle] < bytes) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a block asked for with `bytes` really holds. */
export function capacityFor(bytes: number): number {
  return SIZES[classOf(bytes)];
}

/** Memory that is looked into by address. */
export interface Readable {
  readonly region: Region;
}

export class Heap implements Readable {
  readonly region: Region;
  /** First free block of each class, 0 for none; a free block begins with the address of the next. */
  readonly #free = new Uint32Array(SIZES.length);
  /** Address 0 is never given out. */
  #top = GRAIN;
  #freeBytes = 0;
  /** Pins by the moment they were taken, oldest first. */
  readonly #pins = new Set<Pin>();
  #now = 0;
  /** Freed while pinned: moment, address and capacity, oldest first. */
  readonly #limbo: number[] = [];
  readonly #deferred: { moment: number; action: () => void }[] = [];

  constructor(region = new Region()) {
    this.region = region;
  }

  /** Bytes given out and not freed. */
  get usedBytes(): number {
    return this.#top - this.#freeBytes;
  }

  /** Bytes the heap has ever reached: about what is resident. */
  get reservedBytes(): number {
    return this.#top;
  }

  /** Address of a block of at least `bytes`, a multiple of 16. What it holds is undefined. */
  allocate(bytes: number): number {
    const index = classOf(bytes);
    const free = this.#free[index];
    if (free !== 0) {
      this.#free[index] = this.region.u32[free >>> 2];
      this.#freeBytes -= SIZES[index];
      return free;
    }
    const size = SIZES[index];
    if (size % LINE === 0) this.#align();
    const at = this.#top;
    this.region.ensure(at + size);
    this.#top = at + size;
    return at;
  }

  /** Gives a block back; `bytes` as it was asked for (or its capacity). */
  free(address: number, bytes: number): void {
    if (this.#pins.size > 0) {
      this.#limbo.push(this.#now, address, bytes);
      return;
    }
    this.#release(address, bytes);
  }

  /** What is freed from now on stays as it is until the pin is disposed. */
  pin(): Pin {
    const pin = new Pin(++this.#now, () => this.#unpin(pin));
    this.#pins.add(pin);
    return pin;
  }

  /** Does something when all who might still be reading now are done. */
  defer(action: () => void): void {
    if (this.#pins.size > 0) this.#deferred.push({ moment: this.#now, action });
    else action();
  }

  #unpin(pin: Pin): void {
    if (!this.#pins.delete(pin)) return;
    const oldest = this.#pins.values().next().value?.moment ?? Number.POSITIVE_INFINITY;
    let done = 0;
    // Whoever pinned after a block was freed has not seen it.
    while (done < this.#limbo.length && this.#limbo[done] < oldest) {
      this.#release(this.#limbo[done + 1], this.#limbo[done + 2]);
      done += 3;
    }
    if (done > 0) this.#limbo.splice(0, done);
    while (this.#deferred.length > 0 && this.#deferred[0].moment < oldest) this.#deferred.shift()!.action();
  }

  /** Blocks of whole cache lines lie in as few of them as they can; what is passed over is a free block itself. */
  #align(): void {
    const gap = (LINE - (this.#top % LINE)) % LINE;
    if (gap === 0) return;
    this.region.ensure(this.#top + gap);
    const at = this.#top;
    this.#top += gap;
    this.#release(at, gap);
  }

  #release(address: number, bytes: number): void {
    const index = classOf(bytes);
    this.region.u32[address >>> 2] = this.#free[index];
    this.#free[index] = address;
    this.#freeBytes += SIZES[index];
  }
}

export class Pin implements Disposable {
  readonly moment: number;
  readonly #release: () => void;

  constructor(moment: number, release: () => void) {
    this.moment = moment;
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
