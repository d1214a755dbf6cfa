/** Random access to a file whose bytes never change, though it may grow: by pages of 64 KiB out of a shared cache. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { PageCache } from "./page-cache.ts";

const PAGE = 64 * 1024;
/** A bit for every 16 bytes of a page, see `isChecked`. */
const FLAG_BYTES = PAGE / 16 / 8;

export class PagedFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #cache: PageCache;
  readonly #id: number;
  #size: number;
  /** The page read last: most reads are near the one before. */
  #last: Buffer | undefined;
  #lastIndex = -1;
  #growing = false;
  /** By page. Kept when the page goes: files do not change, and summing up takes longer than reading. */
  readonly #checked: (Uint8Array | undefined)[] = [];
  #closed = false;

  constructor(path: string, cache: PageCache) {
    this.path = path;
    this.#cache = cache;
    this.#id = cache.register();
    this.#fd = openSync(path, "r");
    this.#size = fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
  }

  /** The file was appended to. */
  grown(size: number): void {
    this.#growing = true;
    this.#size = size;
  }

  /** Bytes `[offset, offset + length)`, fewer at the end of the file. Not to be changed or kept for long. */
  read(offset: number, length: number): Buffer {
    const end = Math.min(this.#size, offset + length);
    if (end <= offset) return Buffer.alloc(0);
    const first = Math.floor(offset / PAGE);
    const last = Math.floor((end - 1) / PAGE);
    // Long runs (posting lists, whole sections) pass by the pages, and so does a page that may still grow.
    const cached = last - first <= 1 && (!this.#growing || (last + 1) * PAGE <= this.#size);
    if (cached && first === last) return this.#page(first).subarray(offset - first * PAGE, end - first * PAGE);
    const out = Buffer.allocUnsafe(end - offset);
    if (cached) {
      const seam = last * PAGE;
      this.#page(first).copy(out, 0, offset - first * PAGE, PAGE);
      this.#page(last).copy(out, seam - offset, 0, end - seam);
    } else this.#fill(out, offset);
    return out;
  }

  /** Whether `setChecked` was called for this offset. */
  isChecked(offset: number): boolean {
    const flags = this.#checked[Math.floor(offset / PAGE)];
    if (!flags) return false;
    const unit = (offset % PAGE) >>> 4;
    return (flags[unit >>> 3] & (1 << (unit & 7))) !== 0;
  }

  /** Notes that what begins at this offset has been found sound. Offsets must be 16 bytes apart. */
  setChecked(offset: number): void {
    const index = Math.floor(offset / PAGE);
    let flags = this.#checked[index];
    if (!flags) this.#checked[index] = flags = new Uint8Array(FLAG_BYTES);
    const unit = (offset % PAGE) >>> 4;
    flags[unit >>> 3] |= 1 << (unit & 7);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#last = undefined;
    this.#cache.forget(this.#id);
    closeSync(this.#fd);
  }

  #page(index: number): Buffer {
    if (index === this.#lastIndex) return this.#last!;
    let page = this.#cache.get(this.#id, index);
    if (!page) {
      page = Buffer.allocUnsafeSlow(Math.min(PAGE, this.#size - index * PAGE));
      this.#fill(page, index * PAGE);
      this.#cache.put(this.#id, index, page);
    }
    this.#last = page;
    this.#lastIndex = index;
    return page;
  }

  #fill(out: Buffer, offset: number): void {
    let done = 0;
    while (done < out.length) {
      const read = readSync(this.#fd, out, done, out.length - done, offset + done);
      if (read === 0) throw new Error(`${this.path}: ended at ${offset + done}, expected ${this.#size} bytes`);
      done += read;
    }
  }
}
