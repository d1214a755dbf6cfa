/** The thread of block-writer.ts: reads the head in the memory of its owner, page by page, and blocks from disk. */
import { parentPort, workerData } from "node:worker_threads";
import { describeError, UserError } from "@pharos/model";
import { Block } from "../block/block.ts";
import type { BlockMeta } from "../block/meta.ts";
import { PageCache } from "../block/page-cache.ts";
import type { SeriesView } from "../head/view.ts";
import type { SharedHandle } from "../threads/messages.ts";
import { SharedReader } from "../threads/reader.ts";
import type { Task, TaskResult } from "./block-writer.ts";
import { writeViews } from "./head-block.ts";
import { mergeBlocks } from "./merge-blocks.ts";

/** Series asked for at once: what is described of them is all this thread holds of the head. */
const PAGE = 8_192;
const CACHE_BYTES = 32 * 2 ** 20;

const reader = new SharedReader(workerData as SharedHandle);

async function writeHead({
  dir,
  mint,
  maxt,
  rangeMs,
  now,
  only,
}: Extract<Task, { kind: "head" }>): Promise<BlockMeta | undefined> {
  const { view } = await reader.ask({ kind: "open", mint, maxt }, "opened");
  try {
    const { count, symbols } = await reader.ask({ kind: "sort", view, mint, maxt, series: only?.series }, "sorted");
    const views = async function* (): AsyncGenerator<SeriesView> {
      for (let from = 0; from < count; from += PAGE) {
        yield* reader.views(await reader.ask({ kind: "page", view, from, count: PAGE }, "selected"));
      }
    };
    return await writeViews(dir, { views: views(), symbols, mint, maxt, rangeMs, now, hint: only?.hint });
  } finally {
    reader.release(view);
  }
}

async function merge({ dir, blocks, rangeMs, now }: Extract<Task, { kind: "merge" }>): Promise<BlockMeta | undefined> {
  using opened = new DisposableStack();
  const cache = new PageCache(CACHE_BYTES);
  return await mergeBlocks(
    dir,
    blocks.map((path) => opened.use(new Block(path, cache))),
    rangeMs,
    now,
  );
}

parentPort!.on("message", async (task: Task) => {
  let result: TaskResult;
  try {
    result = { meta: task.kind === "head" ? await writeHead(task) : await merge(task) };
  } catch (error) {
    result = { error: { message: describeError(error), code: error instanceof UserError ? error.code : undefined } };
  }
  parentPort!.postMessage(result);
});
