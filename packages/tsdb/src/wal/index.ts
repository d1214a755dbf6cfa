/** The write-ahead log by itself, for who keeps no more than it (an agent). */
export { RecordCopier } from "../head/checkpoint.ts";
export { lockDirectory } from "../lock.ts";
export { Encoder } from "./encoding.ts";
export { encodeHistograms, groupHistograms, type HistogramRecord } from "./histogram-records.ts";
export { type Corruption, readSegment, repair } from "./read.ts";
export {
  decodeRecord,
  type ExemplarRecord,
  encodeExemplars,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  type SeriesRecord,
} from "./records.ts";
export { SampleColumns } from "./sample-columns.ts";
export { lastCheckpoint, segmentPath, segmentsOf, type WalCompression } from "./segments.ts";
export { replaceByCheckpoint, WalWriter } from "./write.ts";
