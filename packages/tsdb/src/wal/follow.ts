/**
 * Follows a write-ahead log that is being written: first the series of what stands before a position, then every record from
 * there on, again and again as the log grows. For remote write, which sends what the log says.
 */
import { existsSync } from "node:fs";
import { type Damage, readSegment } from "./read.ts";
import { RecordType } from "./records.ts";
import { lastCheckpoint, segmentPath, segmentsOf } from "./segments.ts";

/** A place in the log: the byte of a segment at which a record begins. */
export interface LogPosition {
  segment: number;
  offset: number;
}

/** Says what could not be read: a damaged stretch, or segments that are gone. */
export type LogLoss = (what: { segment: number; reason: string }) => void;

export class LogFollower {
  readonly #dir: string;
  readonly #onLoss: LogLoss;
  /** Where the record that comes next begins. */
  position: LogPosition;
  /** Where the record that was yielded last begins. */
  recordAt: LogPosition;

  constructor(dir: string, position: LogPosition, onLoss: LogLoss = () => {}) {
    this.#dir = dir;
    this.#onLoss = onLoss;
    this.position = { ...position };
    this.recordAt = this.position;
  }

  /**
   * Records that name series or tell their metadata, of the checkpoint and of the segments before `position`; to be read to its
   * end before the first of `records`. What is yielded is valid until the next one is asked for.
   */
  *seriesBefore(): Generator<{ record: Buffer; segment: number }> {
    const checkpoint = lastCheckpoint(this.#dir);
    const { segment: last, offset } = this.position;
    if (checkpoint) yield* this.seriesOf(checkpoint);
    for (const segment of segmentsOf(this.#dir)) {
      if (segment <= (checkpoint?.index ?? -1) || segment > last) continue;
      const at = { offset: 0 };
      for (const record of readSegment(segmentPath(this.#dir, segment), at)) {
        if (segment === last && at.offset >= offset) break;
        if (namesSeries(record)) yield { record, segment };
      }
    }
  }

  /** The same of one checkpoint. */
  *seriesOf(checkpoint: { path: string; index: number }): Generator<{ record: Buffer; segment: number }> {
    for (const part of segmentsOf(checkpoint.path)) {
      for (const record of readSegment(segmentPath(checkpoint.path, part))) {
        if (namesSeries(record)) yield { record, segment: checkpoint.index };
      }
    }
  }

  /** The newest checkpoint there is. */
  checkpoint(): { path: string; index: number } | undefined {
    return lastCheckpoint(this.#dir);
  }

  /** Every whole record from `position` to where the log ends now; `position` moves along. */
  *records(): Generator<Buffer> {
    for (;;) {
      // Looked up before reading: a segment that has a successor by then is complete.
      const later = segmentsOf(this.#dir).find((index) => index > this.position.segment);
      const path = segmentPath(this.#dir, this.position.segment);
      if (existsSync(path)) {
        const damages = yield* this.#segment(path);
        for (const { reason } of later === undefined ? [] : damages) {
          this.#onLoss({ segment: this.position.segment, reason });
        }
      } else if (later !== undefined) this.#onLoss({ segment: this.position.segment, reason: "the segment is gone" });
      if (later === undefined) return;
      this.position = { segment: later, offset: 0 };
    }
  }

  *#segment(path: string): Generator<Buffer, Damage[]> {
    const at: { offset: number; end?: number } = { offset: 0 };
    const { segment } = this.position;
    const reading = readSegment(path, at, this.position.offset);
    try {
      for (;;) {
        const step = reading.next();
        if (step.done) return step.value;
        this.recordAt = { segment, offset: at.offset };
        this.position = { segment, offset: at.end! };
        yield step.value;
      }
    } finally {
      reading.return([]);
    }
  }
}

function namesSeries(record: Buffer): boolean {
  return record[0] === RecordType.series || record[0] === RecordType.metadata;
}
