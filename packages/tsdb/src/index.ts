export { Block, type BlockSeries } from "./block/block.ts";
export { PageCache } from "./block/page-cache.ts";
export * from "./db.ts";
export type { Cardinality, HeadStats, NameValue, TsdbStatus } from "./status.ts";
export type { SharedHandle } from "./threads/messages.ts";
export { SharedReader } from "./threads/reader.ts";
export { LogFollower, type LogLoss, type LogPosition } from "./wal/follow.ts";
export { decodeRecord, type RecordHandlers } from "./wal/records.ts";
export type { SampleColumns } from "./wal/sample-columns.ts";
