export { Block, type BlockSeries } from "./block/block.ts";
export { PageCache } from "./block/page-cache.ts";
export * from "./db.ts";
export type { HeadStats, NameValue, TsdbStatus } from "./status.ts";
export type { SharedHandle } from "./threads/messages.ts";
export { SharedReader } from "./threads/reader.ts";
