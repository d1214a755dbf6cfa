/**
 * Threads that evaluate heavy queries, so that the one with the HTTP server and the scrapes goes on meanwhile. A thread is
 * started for the first query that it gets, and ends when it has had nothing to do for a while. One that breaks down takes its
 * own queries with it and nothing else; the next query starts another.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import type { Gauge, Logger, Registry } from "@pharos/kit";
import {
  type MemoryCells,
  portOf,
  type QueryProgress,
  type QueryRequest,
  type QueryResult,
  type QueryWorker,
  RemoteEngine,
  type ShardRequest,
  type ShardResult,
} from "@pharos/promql";
import type { SharedHandle } from "@pharos/tsdb";
import type { PlainEngineOptions, QueryThreadData } from "./messages.ts";

/** ms. */
const IDLE_MS = 60_000;

export interface QueryThreadsOptions {
  /** How many there are at most; 0: every query is evaluated by who asks. */
  count: number;
  engine: PlainEngineOptions;
  /** The database for one more thread. */
  share(): SharedHandle;
  log: Logger;
  registry?: Registry;
  /** A thread without work for so long ends; a minute. */
  idleMs?: number;
}

export class QueryThreads implements AsyncDisposable {
  readonly workers: readonly QueryWorker[];
  readonly #threads: readonly QueryThread[];
  /** For the engine of the owner, whose queries count as well. */
  readonly memory: MemoryCells;

  constructor(options: QueryThreadsOptions) {
    const cells = new Int32Array(new SharedArrayBuffer(4 * (options.count + 1)));
    this.memory = { cells, index: 0 };
    const running = options.registry?.gauge("pharos_query_threads", "Threads that evaluate heavy queries, as of now.");
    this.#threads = Array.from({ length: options.count }, (_, i) => new QueryThread(options, cells, i + 1, running));
    this.workers = this.#threads;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread[Symbol.asyncDispose]()));
  }
}

class QueryThread implements QueryWorker, AsyncDisposable {
  readonly #options: QueryThreadsOptions;
  readonly #cells: Int32Array;
  readonly #index: number;
  readonly #running: Gauge | undefined;
  #thread: { worker: Worker; engine: RemoteEngine } | undefined;
  #busy = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: QueryThreadsOptions, cells: Int32Array, index: number, running: Gauge | undefined) {
    this.#options = options;
    this.#cells = cells;
    this.#index = index;
    this.#running = running;
  }

  get busy(): number {
    return this.#busy;
  }

  query(request: QueryRequest, signal?: AbortSignal, report?: (progress: QueryProgress) => void): Promise<QueryResult> {
    return this.#use((engine) => engine.query(request, signal, report));
  }

  shard(request: ShardRequest, signal?: AbortSignal): Promise<ShardResult> {
    return this.#use((engine) => engine.shard(request, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  async #use<T>(work: (engine: RemoteEngine) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("the server is stopping");
    clearTimeout(this.#idle);
    this.#busy++;
    try {
      this.#thread ??= this.#start();
      return await work(this.#thread.engine);
    } finally {
      if (--this.#busy === 0 && this.#thread) {
        this.#idle = setTimeout(() => void this.#end(), this.#options.idleMs ?? IDLE_MS).unref();
      }
    }
  }

  #start(): { worker: Worker; engine: RemoteEngine } {
    const { port1, port2 } = new MessageChannel();
    const database = this.#options.share();
    const data: QueryThreadData = {
      engine: this.#options.engine,
      cells: this.#cells,
      index: this.#index,
      database,
      queries: port2,
    };
    const worker = new Worker(new URL("./query-thread.ts", import.meta.url), {
      name: `pharos-query-${this.#index}`,
      workerData: data,
      transferList: [port2, database.port],
    });
    const thread = { worker, engine: new RemoteEngine(portOf(port1)) };
    port1.unref();
    worker.unref();
    this.#running?.inc();
    let reason = "it ended";
    worker.on("error", (error) => {
      reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error("A thread that evaluates queries broke down; the next heavy query starts another.", {
        err: error,
      });
    });
    worker.on("exit", () => {
      this.#running?.dec();
      // What its queries held is free again.
      Atomics.store(this.#cells, this.#index, 0);
      if (this.#thread === thread) this.#thread = undefined;
      thread.engine.fail(`the thread that evaluated the query broke down: ${reason}`);
      port1.close();
    });
    return thread;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }
}
