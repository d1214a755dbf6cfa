/** Where blocks are written: in this thread, or in one of its own so that scrapes and queries do not feel it. */
import { Worker } from "node:worker_threads";
import { UserError } from "@pharos/model";
import type { Block } from "../block/block.ts";
import type { BlockMeta } from "../block/meta.ts";
import type { Head } from "../head/head.ts";
import type { SharedHandle } from "../threads/messages.ts";
import { writeHeadBlock } from "./head-block.ts";
import { mergeBlocks } from "./merge-blocks.ts";

export interface BlockWriter extends AsyncDisposable {
  /** Writes what came in order in [mint, maxt) as a block into `dir`; undefined when that is nothing. `only`: of some series. */
  head(dir: string, mint: number, maxt: number, now: number, only?: SomeSeries): Promise<BlockMeta | undefined>;
  /** Writes the blocks as one into `dir`; undefined when nothing is left of them. */
  merge(dir: string, blocks: readonly Block[], now: number): Promise<BlockMeta | undefined>;
}

/** Series of the head by number, and what the block of them says of itself. */
export interface SomeSeries {
  series: Uint32Array;
  hint: string;
}

export function inThisThread(head: Head): BlockWriter {
  return {
    head: (dir, mint, maxt, now, only) => writeHeadBlock(head, dir, mint, maxt, now, only),
    merge: (dir, blocks, now) => mergeBlocks(dir, blocks, head.options.rangeMs, now),
    [Symbol.asyncDispose]: async () => {},
  };
}

export type Task =
  | { kind: "head"; dir: string; mint: number; maxt: number; rangeMs: number; now: number; only?: SomeSeries }
  | { kind: "merge"; dir: string; blocks: readonly string[]; rangeMs: number; now: number };
export type TaskResult = { meta: BlockMeta | undefined } | { error: { message: string; code: string | undefined } };

/** A thread that has had nothing to do for so long ends and gives its memory back, ms. */
const IDLE_MS = 20_000;

/** One task at a time, as the compactor gives them. */
export class BlockThread implements BlockWriter {
  readonly #share: () => SharedHandle;
  readonly #rangeMs: number;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(share: () => SharedHandle, rangeMs: number) {
    this.#share = share;
    this.#rangeMs = rangeMs;
  }

  head(dir: string, mint: number, maxt: number, now: number, only?: SomeSeries): Promise<BlockMeta | undefined> {
    return this.#run({ kind: "head", dir, mint, maxt, rangeMs: this.#rangeMs, now, only });
  }

  merge(dir: string, blocks: readonly Block[], now: number): Promise<BlockMeta | undefined> {
    return this.#run({ kind: "merge", dir, blocks: blocks.map((block) => block.dir), rangeMs: this.#rangeMs, now });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #run(task: Task): Promise<BlockMeta | undefined> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    // The process does not end in the middle of a block, but an idle thread does not keep it either.
    worker.ref();
    try {
      const result = await answerOf(worker, task);
      if ("meta" in result) return result.meta;
      const { message, code } = result.error;
      throw code ? new UserError(code, message) : new Error(message);
    } catch (error) {
      if (worker.threadId < 0) this.#worker = undefined;
      throw error;
    } finally {
      worker.unref();
      this.#idle = setTimeout(() => void this[Symbol.asyncDispose](), IDLE_MS).unref();
    }
  }

  #start(): Worker {
    const handle = this.#share();
    const worker = new Worker(new URL("./block-thread.ts", import.meta.url), {
      workerData: handle,
      transferList: [handle.port],
    });
    return worker;
  }
}

/** Rejects when the thread fails or ends before it has answered. */
function answerOf(worker: Worker, task: Task): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void =>
      settle(() => reject(new Error(`the thread that writes blocks ended with ${code}`)));
    const failed = (error: unknown): void => settle(() => reject(error));
    const answered = (result: TaskResult): void => settle(() => resolve(result));
    const settle = (how: () => void): void => {
      worker.off("message", answered).off("error", failed).off("exit", ended);
      how();
    };
    worker.on("message", answered).on("error", failed).on("exit", ended);
    worker.postMessage(task);
  });
}
