/**
 * The shape of a target's last scrape, line by line. A line of the next scrape that is the same up to its value costs a
 * compare of its bytes: no tokens, no hash, no strings.
 *
 * A line is kept as what it does not share: with the line before it at its beginning (`shared` bytes, a multiple of 8), and
 * at its end with an earlier line that has the same labels, as each family lists the same objects (`tail` bytes): about 50 of
 * 280 bytes. The beginning is checked inside the new body, against the line that was just found equal to the one before, so
 * the old body is not needed. The first of several lines with the same labels is kept whole, and every ANCHOR lines one that
 * has at least its beginning, so that any line can be put together again.
 *
 *     line      columns                             bytes
 *     i         shared[i]                           those of line i - 1
 *               at[i], length[i]                    texts[at, at + length)
 *               tailAt[i], tail[i]                  texts[tailAt, tailAt + tail)
 *               slots[i]: series slot >= 0, or COMMENT or TYPE
 *               hashes[i]: of the whole key, to find lines that moved
 */
const ANCHOR = 16;
const MAX_SHARED = 0xfff8;
const BRACE = 0x7b;
/** Shorter ends are not worth the look. */
const SHORTEST_TAIL = 16;

/** Kinds of lines that are no series, in place of a slot. */
export const NONE = -1;
export const COMMENT = -2;
export const TYPE = -3;

/** Lines of the scrape that is being read; scrapes are read one at a time, so all caches share them. */
const lines = {
  count: 0,
  starts: new Int32Array(1024),
  ends: new Int32Array(1024),
  slots: new Int32Array(1024),
  hashes: new Int32Array(1024),
};

function growLines(): void {
  for (const column of ["starts", "ends", "slots", "hashes"] as const) {
    const grown = new Int32Array(lines[column].length * 2);
    grown.set(lines[column]);
    lines[column] = grown;
  }
}

let scratch: Buffer = Buffer.allocUnsafe(4096);

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function hashBytes(view: DataView, start: number, end: number): number {
  let hash = 0x811c9dc5;
  let i = start;
  for (; i + 4 <= end; i += 4) hash = Math.imul(hash ^ view.getInt32(i, true), 0x01000193) ^ (hash >>> 15);
  for (; i < end; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x01000193);
  return hash ^ (hash >>> 16);
}

/** Eight bytes a step; a NaN among them compares unequal, which only costs the slow path. */
function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  let i = 0;
  for (; i + 8 <= length; i += 8) if (a.getFloat64(aStart + i, true) !== b.getFloat64(bStart + i, true)) return false;
  for (; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  return true;
}

export class LineCache {
  #count = 0;
  #shared = new Uint16Array(0);
  #at = new Uint32Array(0);
  #length = new Uint32Array(0);
  #tailAt = new Uint32Array(0);
  #tail = new Uint32Array(0);
  #slots = new Int32Array(0);
  #hashes = new Int32Array(0);
  #texts: Buffer = Buffer.alloc(0);
  #textView = viewOf(this.#texts);
  /** Line numbers plus one by hash, open addressing; made when the first line of a scrape does not fit. */
  #table: Int32Array | undefined;

  #body: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#body);
  /** The line expected next, and where in the body the one before it stands. */
  #cursor = 0;
  #previous = 0;
  #changed = false;
  /** Hash of the line that `match` or `find` looked at last. */
  #hash = 0;

  /** End of the key of the line that was matched last. */
  matchedEnd = 0;

  begin(body: Buffer): void {
    this.#body = body;
    this.#view = viewOf(body);
    this.#cursor = 0;
    this.#previous = 0;
    this.#changed = false;
    lines.count = 0;
  }

  /** What the line at this offset is, when it is the one that followed last time: its slot, COMMENT or TYPE; else NONE. */
  match(offset: number): number {
    const i = this.#cursor;
    if (i >= this.#count) return NONE;
    const shared = this.#shared[i];
    const length = this.#length[i];
    const tail = this.#tail[i];
    const end = offset + shared + length + tail;
    const body = this.#body;
    if (end >= body.length) return NONE;
    const slot = this.#slots[i];
    const after = body[end];
    if (slot >= 0 ? after !== 0x20 && after !== 0x09 : after !== 0x0a) return NONE;
    const view = this.#view;
    if (!equalBytes(view, offset + shared, this.#textView, this.#at[i], length)) return NONE;
    if (tail > 0 && !equalBytes(view, end - tail, this.#textView, this.#tailAt[i], tail)) return NONE;
    if (!equalBytes(view, offset, view, this.#previous, shared)) return NONE;
    this.#cursor = i + 1;
    this.#previous = offset;
    this.#hash = this.#hashes[i];
    this.matchedEnd = end;
    return slot;
  }

  /** Slot of the series whose key stands in `[start, end)` of the body, wherever it was last time; NONE for a new one. */
  find(start: number, end: number): number {
    const hash = hashBytes(this.#view, start, end);
    this.#hash = hash;
    if (this.#count === 0) return NONE;
    const table = (this.#table ??= this.#buildTable());
    const mask = table.length - 1;
    for (let at = hash & mask; table[at] !== 0; at = (at + 1) & mask) {
      const i = table[at] - 1;
      if (this.#hashes[i] !== hash || !this.#isLine(i, start, end)) continue;
      // Lines that follow it are likely to follow again.
      this.#cursor = i + 1;
      this.#previous = start;
      return this.#slots[i];
    }
    return NONE;
  }

  /** Remembers a line of this scrape that was just matched or looked for: its key's bytes and what it is. */
  push(start: number, end: number, slot: number, fresh: boolean): void {
    if (lines.count === lines.starts.length) growLines();
    lines.starts[lines.count] = start;
    lines.ends[lines.count] = end;
    lines.hashes[lines.count] = this.#hash;
    lines.slots[lines.count++] = slot;
    if (fresh) this.#changed = true;
  }

  /** Whether the scrape had other lines than the last one, or in another order. */
  get changed(): boolean {
    return this.#changed || lines.count !== this.#count;
  }

  /** Offsets of the lines of this scrape that tell about families. */
  *comments(): Generator<number> {
    for (let i = 0; i < lines.count; i++) if (lines.slots[i] < 0) yield lines.starts[i];
  }

  /** Forgets the last scrape. */
  clear(): void {
    this.#count = 0;
    this.#texts = Buffer.alloc(0);
    this.#textView = viewOf(this.#texts);
    this.#release();
  }

  /** Ends a scrape that was taken: the next one is compared with it. */
  commit(): void {
    if (this.changed) this.#rebuild();
    this.#release();
  }

  /** Ends a scrape that was refused: the next one is compared with the last good one. */
  rollback(): void {
    this.#release();
  }

  #release(): void {
    this.#body = Buffer.alloc(0);
    this.#view = viewOf(this.#body);
    this.#table = undefined;
  }

  #rebuild(): void {
    const { count, starts, ends, slots, hashes } = lines;
    const view = this.#view;
    this.#count = count;
    this.#shared = new Uint16Array(count);
    this.#at = new Uint32Array(count);
    this.#length = new Uint32Array(count);
    this.#tailAt = new Uint32Array(count);
    this.#tail = new Uint32Array(count);
    this.#slots = slots.slice(0, count);
    this.#hashes = hashes.slice(0, count);
    const models = findModels(this.#body, view);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const start = starts[i];
      const whole = ends[i] - start;
      const model = models[i];
      let shared = 0;
      let tail = 0;
      if (model !== WHOLE) {
        if (model >= 0) {
          tail = ends[i] - braceOf(this.#body, i);
          this.#tailAt[i] = this.#at[model] + this.#length[model] - tail;
        }
        if (i % ANCHOR !== 0) {
          const before = starts[i - 1];
          const limit = Math.min(whole - tail, ends[i - 1] - before, MAX_SHARED) - 7;
          while (shared < limit && view.getFloat64(start + shared, true) === view.getFloat64(before + shared, true))
            shared += 8;
        }
      }
      this.#shared[i] = shared;
      this.#tail[i] = tail;
      this.#at[i] = total;
      this.#length[i] = whole - shared - tail;
      total += whole - shared - tail;
    }
    this.#texts = Buffer.alloc(total);
    for (let i = 0; i < count; i++) {
      this.#body.copy(this.#texts, this.#at[i], starts[i] + this.#shared[i], ends[i] - this.#tail[i]);
    }
    this.#textView = viewOf(this.#texts);
  }

  #buildTable(): Int32Array {
    let size = 16;
    while (size < this.#count * 2) size *= 2;
    const table = new Int32Array(size);
    const mask = size - 1;
    for (let i = 0; i < this.#count; i++) {
      if (this.#slots[i] < 0) continue;
      let at = this.#hashes[i] & mask;
      while (table[at] !== 0) at = (at + 1) & mask;
      table[at] = i + 1;
    }
    return table;
  }

  /** Whether line `i` of the last scrape is exactly these bytes of the body. */
  #isLine(i: number, start: number, end: number): boolean {
    const length = this.#lengthOf(i);
    if (length !== end - start) return false;
    // From the last line that needs no other on, each one overwrites what it does not share.
    for (let k = i - (i % ANCHOR); k <= i; k++) {
      const need = this.#lengthOf(k);
      if (scratch.length < need) {
        const grown = Buffer.allocUnsafe(need * 2);
        scratch.copy(grown);
        scratch = grown;
      }
      const own = this.#shared[k] + this.#length[k];
      this.#texts.copy(scratch, this.#shared[k], this.#at[k], this.#at[k] + this.#length[k]);
      this.#texts.copy(scratch, own, this.#tailAt[k], this.#tailAt[k] + this.#tail[k]);
    }
    return scratch.compare(this.#body, start, end, 0, length) === 0;
  }

  #lengthOf(i: number): number {
    return this.#shared[i] + this.#length[i] + this.#tail[i];
  }
}

/** A line without a model, and one that is a model and kept whole. */
const ALONE = -1;
const WHOLE = -2;

/** Where the labels of a line of this scrape begin; its end when it has none. */
function braceOf(body: Buffer, i: number): number {
  const at = body.indexOf(BRACE, lines.starts[i]);
  return at < 0 || at > lines.ends[i] ? lines.ends[i] : at;
}

/** For each line of this scrape the first one with the same labels (WHOLE for that one itself), ALONE where no other has them. */
function findModels(body: Buffer, view: DataView): Int32Array {
  const models = new Int32Array(lines.count).fill(ALONE);
  let size = 16;
  while (size < lines.count * 2) size *= 2;
  const mask = size - 1;
  const table = new Int32Array(size);
  for (let i = 0; i < lines.count; i++) {
    if (lines.slots[i] < 0) continue;
    const brace = braceOf(body, i);
    const length = lines.ends[i] - brace;
    if (length < SHORTEST_TAIL) continue;
    let at = hashBytes(view, brace, lines.ends[i]) & mask;
    for (; table[at] !== 0; at = (at + 1) & mask) {
      const model = table[at] - 1;
      const from = braceOf(body, model);
      if (lines.ends[model] - from !== length || !equalBytes(view, from, view, brace, length)) continue;
      models[model] = WHOLE;
      models[i] = model;
      break;
    }
    if (table[at] === 0) table[at] = i + 1;
  }
  return models;
}
