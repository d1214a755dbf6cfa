/** What a thread that evaluates queries is started with. */
import type { MessagePort } from "node:worker_threads";
import type { EngineOptions } from "@pharos/promql";
import type { SharedHandle } from "@pharos/tsdb";

/** Settings of an engine that can be sent to another thread. What changes with the configuration comes with each query. */
export type PlainEngineOptions = Omit<EngineOptions, "defaultSubqueryStepMs" | "sharedMemory">;

export interface QueryThreadData {
  engine: PlainEngineOptions;
  /** What the engines of all threads hold; the thread writes cell `index`. */
  cells: Int32Array;
  index: number;
  /** The database of the owner. */
  database: SharedHandle;
  /** Queries come in here. */
  queries: MessagePort;
}
