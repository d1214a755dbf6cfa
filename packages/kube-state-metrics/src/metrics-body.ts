/** The body of a scrape: copied from snapshots, piece by piece; compressed parts are kept while nothing changes. */
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type Snapshot, write } from "./store.ts";

const compress = promisify(gzip);
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
export class GzipBodies {
  readonly #kept = new WeakMap<Snapshot, Map<boolean, Promise<Buffer>>>();

  async body(snapshots: readonly Snapshot[], openMetrics: boolean): Promise<Buffer> {
    const seen = new Set<string>();
    const members: Promise<Buffer>[] = [];
    for (const snapshot of snapshots) {
      // A resource whose headers stand above another one's series is not the same text as alone.
      const alone = !snapshot.families.some(({ name }) => seen.has(name));
      const text = (): Promise<Buffer> =>
        compress(Buffer.concat([...write(snapshot, openMetrics, seen)]), { level: LEVEL });
      if (!alone) members.push(text());
      else members.push(this.#keep(snapshot, openMetrics, text));
      if (snapshot.objects.length > 0) for (const { name } of snapshot.families) seen.add(name);
    }
    // Without any member it would be no gzip at all.
    if (openMetrics || members.length === 0) members.push(compress(openMetrics ? EOF : "", { level: LEVEL }));
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
