/**
 * A snapshot of the head at shutdown, as upstream's feature memory-snapshot-on-shutdown makes it: a folder
 * `chunk_snapshot.<segment>.<offset>` in the log's format (see wal/snapshot-records.ts) with every series, its open chunk,
 * deleted ranges and exemplars. Up to that place of the log nothing has to be read at the next start.
 *
 * Metadata and late samples are not in it: the former come with the next scrapes, the latter from their own log.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { Encoder } from "../wal/encoding.ts";
import { readSegment } from "../wal/read.ts";
import type { ExemplarRecord } from "../wal/records.ts";
import { segmentPath, segmentsOf, type WalCompression } from "../wal/segments.ts";
import { encodeSnapshotExemplars, encodeSnapshotSeries, encodeSnapshotTombstones } from "../wal/snapshot-records.ts";
import { WalWriter } from "../wal/write.ts";
import type { ExemplarRing } from "./exemplars.ts";
import { LOGGED, REF } from "./series-table.ts";
import type { HeadStore } from "./store.ts";

const PREFIX = "chunk_snapshot.";
/** As upstream. */
const EXEMPLARS_PER_RECORD = 10_000;
const BUFFER = 2 ** 20;

/** A snapshot has everything up to this byte of this segment of the log. */
export interface SnapshotPlace {
  segment: number;
  offset: number;
}

export interface SnapshotFolder extends SnapshotPlace {
  path: string;
}

/** The snapshots in a data directory, oldest first. */
export function snapshotsIn(dir: string): SnapshotFolder[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .map((name) => /^chunk_snapshot\.(\d+)\.(\d+)$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ path: join(dir, match[0]), segment: Number(match[1]), offset: Number(match[2]) }))
    .sort((a, b) => a.segment - b.segment || a.offset - b.offset);
}

/** Removes all snapshots but one, and what is left of unfinished ones. */
export function removeSnapshots(dir: string, except?: string): void {
  for (const { path } of snapshotsIn(dir)) if (path !== except) rmSync(path, { recursive: true });
  for (const name of readdirSync(dir)) {
    if (name.startsWith(PREFIX) && name.endsWith(".tmp")) rmSync(join(dir, name), { recursive: true });
  }
}

/** Writes a snapshot and removes older ones; answers how many series are in it. `place`: where the log ends. */
export function writeSnapshot(
  dir: string,
  place: SnapshotPlace,
  compression: WalCompression,
  store: HeadStore,
  exemplars: ExemplarRing,
): number {
  const name = `${PREFIX}${String(place.segment).padStart(6, "0")}.${String(place.offset).padStart(10, "0")}`;
  const path = join(dir, name);
  // Nothing was logged since: what is there is right.
  if (existsSync(path)) return 0;
  const temporary = `${path}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  let count = 0;
  {
    using writer = new WalWriter(temporary, 0, compression, BUFFER);
    const out = new Encoder();
    const log = (encode: () => void): void => {
      out.reset();
      encode();
      writer.log(out.view());
    };
    const { table } = store;
    const { f64 } = table.hot;
    for (let series = 0; series < table.end; series++) {
      if (!table.has(series, LOGGED)) continue;
      count++;
      log(() => encodeSnapshotSeries(out, f64[8 * series + REF], table.labels(series), store.openChunk(series)));
    }
    const ranges = [...store.tombstones].flatMap(([series, intervals]) =>
      intervals.map(({ mint, maxt }) => ({ ref: f64[8 * series + REF], mint, maxt })),
    );
    log(() => encodeSnapshotTombstones(out, new Encoder(), ranges));
    let batch: ExemplarRecord[] = [];
    const flush = (): void => {
      if (batch.length > 0) log(() => encodeSnapshotExemplars(out, batch));
      batch = [];
    };
    for (const { series, exemplar } of exemplars.all()) {
      const { labels, value, timestamp = 0 } = exemplar;
      batch.push({ ref: f64[8 * series + REF], labels, value, timestamp });
      if (batch.length === EXEMPLARS_PER_RECORD) flush();
    }
    flush();
  }
  renameSync(temporary, path);
  syncFolder(dir);
  removeSnapshots(dir, path);
  return count;
}

/** Every record of a snapshot, valid until the next one. Throws a UserError where it is damaged. */
export function* readSnapshot({ path }: SnapshotFolder): Generator<Buffer> {
  for (const index of segmentsOf(path)) {
    const file = segmentPath(path, index);
    const damages = yield* readSegment(file);
    if (damages.length > 0) {
      throw new UserError("tsdb.snapshot", `the snapshot of the head is damaged: ${damages[0].reason}`, {
        where: { file },
        fix: "Nothing: the write-ahead log is read instead",
      });
    }
  }
}
