/** Queries over a message port: a worker thread, a Web Worker, or the other end of a MessageChannel. */
import type { Queryable } from "@pharos/model";
import type { Engine, QueryOptions, QueryResult } from "../engine/engine.ts";
import { CANCELED, QueryError } from "../engine/error.ts";
import type { QueryProgress } from "../engine/running.ts";
import type { ShardRequest, ShardResult } from "../engine/shard.ts";
import { decodeError, decodeResult, encodeError, encodeResult, type WireError, type WireResult } from "./wire.ts";

/** A query as plain data. Times in Unix ms; `step` is 0 for an instant query at `start`. */
export interface QueryRequest {
  query: string;
  start: number;
  end: number;
  step: number;
  options: Omit<QueryOptions, "shards" | "watch">;
}

export type QueryMessage =
  | { kind: "query"; id: number; request: QueryRequest }
  | { kind: "shard"; id: number; request: ShardRequest }
  | { kind: "cancel"; id: number }
  | { kind: "progress"; id: number; progress: QueryProgress }
  | { kind: "result"; id: number; result: WireResult }
  | { kind: "part"; id: number; result: ShardResult }
  | { kind: "error"; id: number; error: WireError };

/** What is needed of a port; `portOf` makes one of a standard MessagePort. */
export interface QueryPort {
  send(message: QueryMessage, transfer: readonly ArrayBuffer[]): void;
  listen(listener: (message: QueryMessage) => void): void;
}

/** Of a MessagePort or Worker of the web's kind, which Node's MessageChannel has as well. */
export function portOf(port: {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  start?(): void;
}): QueryPort {
  return {
    send: (message, transfer) => port.postMessage(message, [...transfer]),
    listen: (listener) => {
      port.addEventListener("message", ({ data }) => listener(data as QueryMessage));
      port.start?.();
    },
  };
}

/** How often the other end hears how far its queries have got, ms. */
const PROGRESS_MS = 200;

/** Answers what comes through a port with an engine of this thread, for as long as the port is open. */
export function serveQueries(port: QueryPort, engine: Engine, storage: Queryable): void {
  const running = new Map<number, AbortController>();
  const answer = async (id: number, work: (signal: AbortSignal) => Promise<() => void>) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      (await work(controller.signal))();
    } catch (error) {
      port.send({ kind: "error", id, error: encodeError(error) }, []);
    } finally {
      running.delete(id);
    }
  };
  port.listen((message) => {
    const { id } = message;
    if (message.kind === "cancel") running.get(id)?.abort();
    else if (message.kind === "query") {
      const { query, start, end, step } = message.request;
      void answer(id, async (signal) => {
        using reports = new DisposableStack();
        const watch = (progress: () => QueryProgress) => {
          const timer = setInterval(() => port.send({ kind: "progress", id, progress: progress() }, []), PROGRESS_MS);
          reports.defer(() => clearInterval(timer));
        };
        const options = { ...message.request.options, watch };
        const result =
          step === 0
            ? await engine.instant(storage, query, start, options, signal)
            : await engine.range(storage, query, start, end, step, options, signal);
        const wire = encodeResult(result);
        return () => port.send({ kind: "result", id, result: wire.result }, wire.transfer);
      });
    } else if (message.kind === "shard") {
      void answer(id, async (signal) => {
        const result = await engine.shard(storage, message.request, signal);
        const { first, second, count, seen } = result;
        const transfer = [first, second, count, seen].map(({ buffer }) => buffer as ArrayBuffer);
        return () => port.send({ kind: "part", id, result }, transfer);
      });
    }
  });
}

/** Evaluates queries and parts of queries somewhere else. All methods throw as Engine does. */
export interface QueryWorker {
  /** Queries and parts it has not answered yet. */
  readonly busy: number;
  query(request: QueryRequest, signal?: AbortSignal, report?: (progress: QueryProgress) => void): Promise<QueryResult>;
  shard(request: ShardRequest, signal?: AbortSignal): Promise<ShardResult>;
}

interface Pending {
  report: ((progress: QueryProgress) => void) | undefined;
  resolve(value: WireResult | ShardResult): void;
  reject(error: Error): void;
}

/** An engine at the other end of a port. */
export class RemoteEngine implements QueryWorker {
  readonly #port: QueryPort;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(port: QueryPort) {
    this.#port = port;
    port.listen((message) => {
      const pending = this.#pending.get(message.id);
      if (!pending) return;
      if (message.kind === "progress") {
        pending.report?.(message.progress);
        return;
      }
      this.#pending.delete(message.id);
      if (message.kind === "error") pending.reject(decodeError(message.error));
      else if (message.kind === "result" || message.kind === "part") pending.resolve(message.result);
    });
  }

  get busy(): number {
    return this.#pending.size;
  }

  async query(
    request: QueryRequest,
    signal?: AbortSignal,
    report?: (progress: QueryProgress) => void,
  ): Promise<QueryResult> {
    const answer = await this.#ask((id) => ({ kind: "query", id, request }), signal, report);
    return decodeResult(answer as WireResult);
  }

  async shard(request: ShardRequest, signal?: AbortSignal): Promise<ShardResult> {
    return (await this.#ask((id) => ({ kind: "shard", id, request }), signal)) as ShardResult;
  }

  /** Everything unanswered fails: the thread at the other end is gone. */
  fail(reason: string): void {
    for (const { reject } of this.#pending.values()) reject(new Error(reason));
    this.#pending.clear();
  }

  async #ask(
    message: (id: number) => QueryMessage,
    signal: AbortSignal | undefined,
    report?: (progress: QueryProgress) => void,
  ): Promise<WireResult | ShardResult> {
    const id = ++this.#lastId;
    // The other end is told; nobody waits for it to have stopped.
    const cancel = () => {
      this.#port.send({ kind: "cancel", id }, []);
      this.#pending.get(id)?.reject(new QueryError("canceled", CANCELED));
      this.#pending.delete(id);
    };
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, report });
        this.#port.send(message(id), []);
        if (signal?.aborted) cancel();
        signal?.addEventListener("abort", cancel);
      });
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }
}
