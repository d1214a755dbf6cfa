/** State as it lies on a board: gzip over length-prefixed entries, cut so that it fits. */
import { gunzipSync, gzipSync } from "node:zlib";
import { delimited, readDelimited } from "../proto/wire.ts";

/** A board's text may not grow beyond this when unpacked. */
const MAX_UNPACKED = 64 * 2 ** 20;
const SHRINK = 0.9;

export interface Packed {
  data: Buffer;
  /** Entries that had no room. */
  left: number;
}

/** As many of the entries, from the first on, as fit into so many bytes. */
export function packEntries(entries: readonly Uint8Array[], maxBytes: number): Packed {
  let count = entries.length;
  for (;;) {
    const data = gzipSync(Buffer.concat(entries.slice(0, count).map(delimited)), { level: 6 });
    if (data.length <= maxBytes || count === 0) return { data, left: entries.length - count };
    count = Math.min(count - 1, Math.floor(count * (maxBytes / data.length) * SHRINK));
  }
}

/** Throws when it is something else. */
export function unpackEntries(data: Uint8Array): Uint8Array[] {
  return readDelimited(gunzipSync(data, { maxOutputLength: MAX_UNPACKED })).messages;
}
