/**
 * Messages of remote read.
 *
 *   ReadRequest          1 queries*, 2 accepted response types* (0 samples, 1 streamed chunks)
 *   Query                1 start ms, 2 end ms, 3 matchers*, 4 hints
 *   LabelMatcher         1 type (0 =, 1 !=, 2 =~, 3 !~), 2 name, 3 value
 *   ReadHints            1 step ms, 2 function, 3 start ms, 4 end ms, 5 grouping*, 6 by, 7 range ms
 *   ReadResponse         1 results*     QueryResult 1 timeseries* (as in a write request 1.0)
 *   ChunkedReadResponse  1 series* (1 labels*, 2 chunks*), 2 number of the query
 *   Chunk                1 first ms, 2 last ms, 3 encoding, 4 data
 */
import { ProtoReader } from "@pharos/exposition";
import { Labels, Matcher, type MatchType, type SelectHints, UserError } from "@pharos/model";
import type { WireWriter } from "../wire-writer.ts";
import { readTimeSeries, type WrittenSeries } from "../write-request.ts";

export const ResponseType = { samples: 0, streamedChunks: 1 } as const;

export interface ReadQuery {
  /** Unix ms, inclusive. */
  start: number;
  end: number;
  matchers: Matcher[];
  hints: SelectHints | undefined;
}

export interface ReadRequest {
  queries: ReadQuery[];
  accepted: number[];
}

export interface ReadChunk {
  mint: number;
  maxt: number;
  encoding: number;
  data: Uint8Array;
}

const TYPES: readonly MatchType[] = ["=", "!=", "=~", "!~"];

function malformed(message: string): UserError {
  return new UserError("remote.read", `the read request cannot be taken: ${message}`);
}

function readMatcher(input: ProtoReader): Matcher {
  let type = 0;
  let name = "";
  let value = "";
  while (input.next()) {
    if (input.field === 1) type = input.varint();
    else if (input.field === 2) name = input.string("label name");
    else if (input.field === 3) value = input.string("label value");
    else input.skip();
  }
  if (!TYPES[type]) throw malformed(`invalid matcher type ${type}`);
  return new Matcher(TYPES[type], name, value);
}

function readHints(input: ProtoReader): SelectHints {
  const hints: SelectHints = { start: 0, end: 0 };
  while (input.next()) {
    if (input.field === 1) hints.step = input.int64();
    else if (input.field === 2) hints.func = input.string("function");
    else if (input.field === 3) hints.start = input.int64();
    else if (input.field === 4) hints.end = input.int64();
    else if (input.field === 7) hints.range = input.int64();
    else input.skip();
  }
  return hints;
}

function readQuery(input: ProtoReader): ReadQuery {
  const query: ReadQuery = { start: 0, end: 0, matchers: [], hints: undefined };
  while (input.next()) {
    if (input.field === 1) query.start = input.int64();
    else if (input.field === 2) query.end = input.int64();
    else if (input.field === 3) query.matchers.push(readMatcher(input.message()));
    else if (input.field === 4) query.hints = readHints(input.message());
    else input.skip();
  }
  return query;
}

/** Throws a UserError where the bytes are no request. */
export function decodeReadRequest(bytes: Buffer): ReadRequest {
  const request: ReadRequest = { queries: [], accepted: [] };
  const input = new ProtoReader(bytes);
  while (input.next()) {
    if (input.field === 1) request.queries.push(readQuery(input.message()));
    else if (input.field === 2) input.repeated(request.accepted, ProtoReader.varint);
    else input.skip();
  }
  return request;
}

export function encodeReadRequest(out: WireWriter, { queries, accepted }: ReadRequest): void {
  for (const { start, end, matchers, hints } of queries) {
    const query = out.begin(1);
    out.int64(1, start);
    out.int64(2, end);
    for (const { type, name, value } of matchers) {
      const matcher = out.begin(3);
      out.uint(1, TYPES.indexOf(type));
      out.string(2, name);
      out.string(3, value);
      out.end(matcher);
    }
    if (hints) {
      const message = out.begin(4);
      out.int64(1, hints.step ?? 0);
      out.string(2, hints.func ?? "");
      out.int64(3, hints.start);
      out.int64(4, hints.end);
      out.int64(7, hints.range ?? 0);
      out.end(message);
    }
    out.end(query);
  }
  out.packedVarints(2, accepted);
}

export function writeReadLabels(out: WireWriter, labels: Labels): void {
  for (const [name, value] of labels) {
    const label = out.begin(1);
    out.string(1, name);
    out.string(2, value);
    out.end(label);
  }
}

/** Series of an answer of samples, with the number of the query each is for. */
export function* decodeReadResponse(bytes: Buffer): Generator<{ query: number; series: WrittenSeries }> {
  const input = new ProtoReader(bytes);
  for (let query = 0; input.next(); ) {
    if (input.field !== 1) {
      input.skip();
      continue;
    }
    const result = input.message();
    while (result.next()) {
      if (result.field === 1) yield { query, series: readTimeSeries(result.message()) };
      else result.skip();
    }
    query++;
  }
}

export function writeChunkedResponse(
  out: WireWriter,
  labels: Labels,
  chunks: readonly ReadChunk[],
  query: number,
): void {
  const series = out.begin(1);
  writeReadLabels(out, labels);
  for (const { mint, maxt, encoding, data } of chunks) {
    const chunk = out.begin(2);
    out.int64(1, mint);
    out.int64(2, maxt);
    out.uint(3, encoding);
    out.bytes(4, data);
    out.end(chunk);
  }
  out.end(series);
  if (query !== 0) out.int64(2, query);
}

function readChunk(input: ProtoReader, bytes: Buffer): ReadChunk {
  const chunk: ReadChunk = { mint: 0, maxt: 0, encoding: 0, data: new Uint8Array() };
  while (input.next()) {
    if (input.field === 1) chunk.mint = input.int64();
    else if (input.field === 2) chunk.maxt = input.int64();
    else if (input.field === 3) chunk.encoding = input.varint();
    else if (input.field === 4) {
      const [start, end] = input.range();
      // The frame's buffer is used again.
      chunk.data = Uint8Array.prototype.slice.call(bytes, start, end);
    } else input.skip();
  }
  return chunk;
}

/** One frame of a streamed answer. */
export function decodeChunkedResponse(bytes: Buffer): {
  query: number;
  series: { labels: Labels; chunks: ReadChunk[] }[];
} {
  const frame = { query: 0, series: [] as { labels: Labels; chunks: ReadChunk[] }[] };
  const input = new ProtoReader(bytes);
  while (input.next()) {
    if (input.field === 2) frame.query = input.int64();
    else if (input.field === 1) {
      const message = input.message();
      const entries: [string, string][] = [];
      const chunks: ReadChunk[] = [];
      while (message.next()) {
        if (message.field === 2) chunks.push(readChunk(message.message(), bytes));
        else if (message.field === 1) {
          const label = message.message();
          const entry: [string, string] = ["", ""];
          while (label.next()) {
            if (label.field === 1) entry[0] = label.string("label name");
            else if (label.field === 2) entry[1] = label.string("label value");
            else label.skip();
          }
          entries.push(entry);
        } else message.skip();
      }
      frame.series.push({ labels: Labels.fromEntries(entries), chunks });
    } else input.skip();
  }
  return frame;
}

/** A frame: uvarint length, u32 CRC-32C (big-endian), message. */
export function frameOf(message: Buffer, checksum: number, out: WireWriter): void {
  out.varint(message.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(checksum);
  out.raw(sum);
  out.raw(message);
}
