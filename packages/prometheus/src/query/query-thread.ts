/** A thread that evaluates queries over the memory of the thread that owns the database. */
import { workerData } from "node:worker_threads";
import { Engine, portOf, serveQueries } from "@pharos/promql";
import { SharedReader } from "@pharos/tsdb";
import type { QueryThreadData } from "./messages.ts";

const { engine, cells, index, database, queries } = workerData as QueryThreadData;

serveQueries(portOf(queries), new Engine({ ...engine, sharedMemory: { cells, index } }), new SharedReader(database));
