/** The rendered objects of one resource. What a scrape reads is a snapshot: whatever happens meanwhile, it sees one moment. */
import type { Family } from "./family.ts";
import { familyEnd, familyStart, header } from "./render.ts";

/** Objects of one list and watch, by identity. */
export type Rendered = Map<string, Buffer>;

/** The objects of one namespace, or of all: what one list and watch feeds. */
export class StorePart {
  readonly #changed: () => void;
  #objects: Rendered = new Map();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** All at once, so that no scrape finds half a list. */
  replace(objects: Rendered): void {
    this.#objects = objects;
    this.#changed();
  }

  set(key: string, bytes: Buffer): void {
    this.#objects.set(key, bytes);
    this.#changed();
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#changed();
  }

  get size(): number {
    return this.#objects.size;
  }

  values(): Iterable<Buffer> {
    return this.#objects.values();
  }
}

/** The objects a scrape copies from, and what stands above them. */
export interface Snapshot {
  resource: string;
  generation: number;
  families: readonly Family<never>[];
  objects: readonly Buffer[];
}

export class ResourceStore {
  readonly resource: string;
  readonly families: readonly Family<never>[];
  readonly #parts = new Set<StorePart>();
  /** Counts changes. */
  #generation = 0;
  #snapshot: Snapshot | undefined;

  constructor(resource: string, families: readonly Family<never>[]) {
    this.resource = resource;
    this.families = families;
  }

  addPart(): StorePart {
    const part = new StorePart(() => {
      this.#generation++;
      this.#snapshot = undefined;
    });
    this.#parts.add(part);
    return part;
  }

  get size(): number {
    let size = 0;
    for (const part of this.#parts) size += part.size;
    return size;
  }

  snapshot(): Snapshot {
    if (!this.#snapshot) {
      const objects: Buffer[] = [];
      for (const part of this.#parts) for (const bytes of part.values()) objects.push(bytes);
      this.#snapshot = { resource: this.resource, generation: this.#generation, families: this.families, objects };
    }
    return this.#snapshot;
  }
}

/** Bytes that are sent at once. */
const CHUNK = 256 * 1024;

/** The text of a snapshot in pieces. `seen` are names whose header was written before, by another resource. */
export function* write(snapshot: Snapshot, openMetrics: boolean, seen: Set<string>): Generator<Buffer> {
  const { families, objects } = snapshot;
  if (objects.length === 0) return;
  const count = families.length;
  let chunk = Buffer.allocUnsafe(CHUNK);
  let used = 0;
  for (let index = 0; index < count; index++) {
    const family = families[index];
    if (!seen.has(family.name)) {
      seen.add(family.name);
      const head = Buffer.from(header(family, openMetrics));
      if (used > 0 && used + head.length > CHUNK) {
        yield chunk.subarray(0, used);
        chunk = Buffer.allocUnsafe(CHUNK);
        used = 0;
      }
      if (head.length > CHUNK) yield head;
      else used += head.copy(chunk, used);
    }
    for (let i = 0; i < objects.length; i++) {
      const bytes = objects[i];
      const start = familyStart(bytes, index, count);
      const end = familyEnd(bytes, index, count);
      if (start === end) continue;
      if (used + end - start > CHUNK) {
        if (used > 0) yield chunk.subarray(0, used);
        // What is larger than a piece goes out as it is.
        if (end - start > CHUNK) {
          yield bytes.subarray(start, end);
          used = 0;
          chunk = Buffer.allocUnsafe(CHUNK);
          continue;
        }
        chunk = Buffer.allocUnsafe(CHUNK);
        used = 0;
      }
      used += bytes.copy(chunk, used, start, end);
    }
  }
  if (used > 0) yield chunk.subarray(0, used);
}
