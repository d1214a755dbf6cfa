/** The body of a scrape: copied from snapshots, piece by piece; compressed parts are kept while nothing changes. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { type Snapshot, write } from "./store.ts";

/** The text repeats itself so much that the fastest level is within a fifth of the best one. */
const LEVEL = constants.Z_BEST_SPEED;
const EOF = Buffer.from("# EOF\n");

function* pieces(snapshots: readonly Snapshot[], openMetrics: boolean): Generator<Buffer> {
  const seen = new Set<string>();
  for (const snapshot of snapshots) yield* write(snapshot, openMetrics, seen);
  if (openMetrics) yield EOF;
}

/** The text of all snapshots, made as fast as it is read. */
export function plainBody(snapshots: readonly Snapshot[], openMetrics: boolean): Readable {
  return Readable.from(pieces(snapshots, openMetrics), { objectMode: false, highWaterMark: 2 ** 20 });
}

/** Compresses resource by resource; gzip's members may follow each other. */
/** Piece by piece: the text itself is never in memory as a whole. */
async function compress(text: Iterable<Buffer>): Promise<Buffer> {
  const compressed: Buffer[] = [];
  await pipeline(
    Readable.from(text, { objectMode: false }),
    createGzip({ level: LEVEL }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) compressed.push(chunk);
    },
  );
  return Buffer.concat(compressed);
}

export class GzipBodies {
  readonly #kept = new WeakMap<Snapshot, Map<boolean, Promise<Buffer>>>();

  async body(snapshots: readonly Snapshot[], openMetrics: boolean): Promise<Buffer> {
    const seen = new Set<string>();
    const members: Promise<Buffer>[] = [];
    for (const snapshot of snapshots) {
      // A resource whose headers stand above another one's series is not the same text as alone.
      const alone = !snapshot.families.some(({ name }) => seen.has(name));
      const before = new Set(seen);
      const text = (): Promise<Buffer> => compress(write(snapshot, openMetrics, before));
      members.push(alone ? this.#keep(snapshot, openMetrics, text) : text());
      if (snapshot.objects.length > 0) for (const { name } of snapshot.families) seen.add(name);
    }
    // Without any member it would be no gzip at all.
    if (openMetrics || members.length === 0) members.push(compress(openMetrics ? [EOF] : []));
    return Buffer.concat(await Promise.all(members));
  }

  #keep(snapshot: Snapshot, openMetrics: boolean, make: () => Promise<Buffer>): Promise<Buffer> {
    let forms = this.#kept.get(snapshot);
    if (!forms) {
      forms = new Map();
      this.#kept.set(snapshot, forms);
    }
    let body = forms.get(openMetrics);
    if (!body) {
      body = make();
      forms.set(openMetrics, body);
    }
    return body;
  }
}
