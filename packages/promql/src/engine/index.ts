export * from "./engine.ts";
export { QueryError, type QueryErrorKind } from "./error.ts";
export { formatBytes, type MemoryCells } from "./memory.ts";
export type { PlanNode } from "./profile.ts";
export type { MatrixSeries, QueryValue, VectorSample } from "./result.ts";
export type { QueryProgress, RunningQuery } from "./running.ts";
export type { ShardRequest, ShardResult, ShardRunner } from "./shard.ts";
