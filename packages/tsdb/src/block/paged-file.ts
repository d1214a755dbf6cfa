/** Random access to a file that never changes: pages of 64 KiB, of which the last used ones stay in memory. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const PAGE = 64 * 1024;
const KEPT = 64;

export class PagedFile implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #pages = new Map<number, Buffer>();
  #closed = false;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "r");
    this.size = fstatSync(this.#fd).size;
  }

  /** Bytes `[offset, offset + length)`, fewer at the end of the file. Not to be changed or kept for long. */
  read(offset: number, length: number): Buffer {
    const end = Math.min(this.size, offset + length);
    if (end <= offset) return Buffer.alloc(0);
    const first = Math.floor(offset / PAGE);
    const last = Math.floor((end - 1) / PAGE);
    if (first === last) return this.#page(first).subarray(offset - first * PAGE, end - first * PAGE);
    // Long runs (posting lists, whole sections) pass by the pages.
    const out = Buffer.allocUnsafe(end - offset);
    this.#fill(out, offset);
    return out;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pages.clear();
    closeSync(this.#fd);
  }

  #page(index: number): Buffer {
    let page = this.#pages.get(index);
    if (page) {
      this.#pages.delete(index);
    } else {
      page = Buffer.allocUnsafe(Math.min(PAGE, this.size - index * PAGE));
      this.#fill(page, index * PAGE);
      if (this.#pages.size >= KEPT) this.#pages.delete(this.#pages.keys().next().value!);
    }
    this.#pages.set(index, page);
    return page;
  }

  #fill(out: Buffer, offset: number): void {
    let done = 0;
    while (done < out.length) {
      const read = readSync(this.#fd, out, done, out.length - done, offset + done);
      if (read === 0) throw new Error(`${this.path}: ended at ${offset + done}, expected ${this.size} bytes`);
      done += read;
    }
  }
}
