/**
 * What a reading thread and the thread that owns the database say to each other. Samples are not among it: the reader looks
 * into the owner's memory. The owner answers a selection with where the chunks of each series are at this moment, and keeps
 * all of it in place until the reader releases it. Messages are the only synchronisation: what was written before an answer was
 * sent can be read after it was received, and nothing that an answer points to is changed later, but for bits behind those
 * that it counts.
 */

import type { MessagePort } from "node:worker_threads";
import type { MatchType } from "@pharos/model";
import type { Interval } from "../block/tombstones.ts";
import type { LateData } from "../head/late.ts";
import type { SharedMemory } from "../memory/region.ts";

/** What a thread needs to read a database; to be handed over with `port` in the list of transfers. */
export interface SharedHandle {
  dir: string;
  cacheBytes: number;
  heap: SharedMemory;
  pairs: SharedMemory;
  symbols: SharedMemory;
  port: MessagePort;
}

export type Request =
  | { id: number; kind: "open"; mint: number; maxt: number }
  | { id: number; kind: "select"; view: number; matchers: readonly MatcherData[] }
  | { id: number; kind: "names"; view: number; matchers: readonly MatcherData[]; limit: number }
  | { id: number; kind: "values"; view: number; name: string; matchers: readonly MatcherData[]; limit: number }
  /** All series, or those of `series`, with samples in the range, in order of labels: how many there are, and their texts. */
  | { id: number; kind: "sort"; view: number; mint: number; maxt: number; series?: Uint32Array }
  /** Part of what `sort` has found. */
  | { id: number; kind: "page"; view: number; from: number; count: number }
  /** Has no answer. */
  | { id: number; kind: "release"; view: number };

export interface MatcherData {
  type: MatchType;
  name: string;
  value: string;
}

export type Answer =
  | { id: number; kind: "opened"; view: number }
  | {
      id: number;
      kind: "selected";
      series: Float64Array;
      /** By place among the series. */
      extras: ReadonlyMap<number, SeriesExtra>;
      blocks: readonly string[];
    }
  | { id: number; kind: "texts"; texts: readonly string[] }
  | { id: number; kind: "sorted"; count: number; symbols: ReadonlySet<string> }
  | { id: number; kind: "failed"; message: string };

/** Numbers of a series in `selected`, and what they are. */
export const STRIDE = 10;
export const LABELS_AT = 0;
export const CLOSED_AT = 1;
export const CLOSED_COUNT_AT = 2;
export const OPEN_AT = 3;
export const OPEN_BYTES_AT = 4;
export const OPEN_COUNT_AT = 5;
export const LAST_TIME_AT = 6;
/** Words of the newest float; only while there is an open chunk of floats. */
export const LAST_HIGH_AT = 7;
export const LAST_LOW_AT = 8;
export const OPEN_ENCODING_AT = 9;

/** What does not lie in the shared memory: rare, and copied. */
export interface SeriesExtra {
  histogram?: { encoding: number; firstTime: number; lastTime: number; data: Uint8Array };
  late?: LateData;
  intervals?: readonly Interval[];
}
