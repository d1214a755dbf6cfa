/**
 * A database of another thread, read in this one: chunks out of the owner's memory and files, without a copy of them on the way.
 * Only selections go to the owner, which knows what is where.
 */
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { Labels, type Matcher, type Querier, type Queryable, type SelectHints, type SeriesList } from "@pharos/model";
import { Block } from "../block/block.ts";
import { PageCache } from "../block/page-cache.ts";
import { ChunkFileReader } from "../head/chunk-files.ts";
import { LateView } from "../head/late.ts";
import { HeadSelection, type LabelSource } from "../head/selection.ts";
import { symbolBound, symbolText } from "../head/symbols.ts";
import { type OpenHistogram, SeriesView, type ViewSource } from "../head/view.ts";
import { Region } from "../memory/region.ts";
import { mergeSelections } from "../select/merged.ts";
import { labelsOf, listOf, type Selection } from "../select/selection.ts";
import {
  type Answer,
  CLOSED_AT,
  CLOSED_COUNT_AT,
  LAST_TIME_AT,
  OPEN_AT,
  OPEN_BYTES_AT,
  OPEN_COUNT_AT,
  OPEN_ENCODING_AT,
  type Request,
  type SeriesExtra,
  type SharedHandle,
  STRIDE,
} from "./messages.ts";

type Ask = <K extends Answer["kind"]>(request: WithoutId<Request>, kind: K) => Promise<Extract<Answer, { kind: K }>>;
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

export class SharedReader implements Queryable, Disposable {
  readonly #port: MessagePort;
  readonly #heap: Region;
  readonly #pairs: Region;
  readonly #symbols: Region;
  readonly #files: ChunkFileReader;
  readonly #cache: PageCache;
  readonly #blocks = new Map<string, Block>();
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor({ dir, cacheBytes, heap, pairs, symbols, port }: SharedHandle) {
    this.#port = port;
    this.#heap = new Region(heap);
    this.#pairs = new Region(pairs);
    this.#symbols = new Region(symbols);
    this.#cache = new PageCache(cacheBytes);
    this.#files = new ChunkFileReader(join(dir, "chunks_head"), this.#cache);
    port.on("message", (answer: Answer) => this.#receive(answer));
    port.on("close", () => this.#ended());
  }

  querier(mint: number, maxt: number): Querier {
    return new SharedQuerier(this, mint, maxt);
  }

  [Symbol.dispose](): void {
    this.#port.close();
    for (const block of this.#blocks.values()) block[Symbol.dispose]();
    this.#blocks.clear();
    this.#files[Symbol.dispose]();
  }

  /** Sends a request; its answer must be of this kind. */
  readonly ask: Ask = (request, kind) => {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: (answer) => {
          if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: typeof kind }>);
          else reject(new Error(answer.kind === "failed" ? answer.message : `unexpected answer ${answer.kind}`));
        },
        reject,
      });
      this.#port.postMessage({ ...request, id });
    });
  };

  release(view: number): void {
    this.#port.postMessage({ id: 0, kind: "release", view } satisfies Request);
  }

  /** The blocks of these folders; those that nobody reads are closed: their owner may have removed them. */
  blocks(dirs: readonly string[]): Block[] {
    for (const [dir, block] of this.#blocks) {
      if (this.inUse.has(dir)) continue;
      block[Symbol.dispose]();
      this.#blocks.delete(dir);
    }
    this.#files.forgetRemoved();
    return dirs.map((dir) => {
      let block = this.#blocks.get(dir);
      if (!block) this.#blocks.set(dir, (block = new Block(dir, this.#cache)));
      return block;
    });
  }

  /** Folders of blocks that queriers are reading. */
  readonly inUse = new Map<string, number>();

  /** What the owner has found in its head. */
  selection({ series, extras }: SelectedAnswer): HeadSelection {
    return new HeadSelection(...this.#sources(), { rows: series, views: this.#views(series, extras) });
  }

  /** The same, each series by itself. */
  views({ series, extras }: SelectedAnswer): SeriesView[] {
    const [source, labels] = this.#sources();
    const selection = new HeadSelection(source, labels, { rows: series, views: new Map() });
    return Array.from({ length: selection.length }, (_, i) =>
      viewOf(source, labelsOf(selection, i), series, i, extras.get(i), this.#files),
    );
  }

  #sources(): [ViewSource, LabelSource] {
    for (const region of [this.#heap, this.#pairs, this.#symbols]) region.refresh();
    // Numbers of symbols come to mean others: texts are kept for one selection only.
    const texts = new Map<number, string>();
    const text = (symbol: number): string => {
      let found = texts.get(symbol);
      if (found === undefined) texts.set(symbol, (found = symbolText(this.#heap, this.#symbols, symbol)));
      return found;
    };
    const source = { heap: { region: this.#heap }, files: this.#files };
    return [source, { pairs: this.#pairs, symbolCount: symbolBound(this.#symbols), text }];
  }

  /** Of the series that their rows do not tell all of. */
  #views(series: Float64Array, extras: ReadonlyMap<number, SeriesExtra>): Map<number, SeriesView> {
    const source = { heap: { region: this.#heap }, files: this.#files };
    return new Map(
      [...extras].map(([i, extra]) => [i, viewOf(source, Labels.empty, series, i, extra, this.#files)] as const),
    );
  }

  #receive(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    waiting?.resolve(answer);
  }

  #ended(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error("the database was closed"));
    this.#waiting.clear();
  }
}

type SelectedAnswer = Pick<Extract<Answer, { kind: "selected" }>, "series" | "extras">;

function viewOf(
  source: ViewSource,
  labels: Labels,
  series: Float64Array,
  index: number,
  extra: SeriesExtra | undefined,
  files: ChunkFileReader,
): SeriesView {
  const at = STRIDE * index;
  return new SeriesView(
    source,
    labels,
    series[at + CLOSED_AT],
    series[at + CLOSED_COUNT_AT],
    extra?.histogram ? frozen(extra.histogram) : undefined,
    series[at + OPEN_AT],
    series[at + OPEN_BYTES_AT],
    series[at + OPEN_COUNT_AT],
    series[at + OPEN_ENCODING_AT],
    series[at + LAST_TIME_AT],
    extra?.intervals,
    extra?.late ? new LateView(files, extra.late) : undefined,
  );
}

function frozen({ data, ...rest }: NonNullable<SeriesExtra["histogram"]>): OpenHistogram {
  return { ...rest, view: () => data, finish: () => data };
}

class SharedQuerier implements Querier {
  readonly #reader: SharedReader;
  readonly #opened: Promise<{ view: number }>;
  readonly #mint: number;
  readonly #maxt: number;
  #open = true;
  /** Folders of blocks this querier has read from. */
  readonly #held = new Set<string>();

  constructor(reader: SharedReader, mint: number, maxt: number) {
    this.#reader = reader;
    this.#mint = mint;
    this.#maxt = maxt;
    this.#opened = reader.ask({ kind: "open", mint, maxt }, "opened").then((answer) => {
      if (!this.#open) reader.release(answer.view);
      return answer;
    });
    // Whoever selects hears of it.
    this.#opened.catch(() => {});
  }

  async select(matchers: readonly Matcher[], hints?: SelectHints): Promise<SeriesList> {
    const { view } = await this.#opened;
    const selected = await this.#reader.ask({ kind: "select", view, matchers: plain(matchers) }, "selected");
    const { inUse } = this.#reader;
    for (const dir of selected.blocks) {
      if (this.#held.has(dir)) continue;
      this.#held.add(dir);
      inUse.set(dir, (inUse.get(dir) ?? 0) + 1);
    }
    const parts: Selection[] = this.#reader
      .blocks(selected.blocks)
      .map((block) => block.find(matchers, this.#mint, this.#maxt));
    parts.push(this.#reader.selection(selected));
    return listOf(mergeSelections(parts), hints?.limit ?? 0);
  }

  async labelNames(matchers: readonly Matcher[], limit = 0): Promise<string[]> {
    const { view } = await this.#opened;
    return [...(await this.#reader.ask({ kind: "names", view, matchers: plain(matchers), limit }, "texts")).texts];
  }

  async labelValues(name: string, matchers: readonly Matcher[], limit = 0): Promise<string[]> {
    const { view } = await this.#opened;
    const request = { kind: "values" as const, view, name, matchers: plain(matchers), limit };
    return [...(await this.#reader.ask(request, "texts")).texts];
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    const { inUse } = this.#reader;
    for (const dir of this.#held) {
      const left = (inUse.get(dir) ?? 1) - 1;
      if (left === 0) inUse.delete(dir);
      else inUse.set(dir, left);
    }
    this.#opened.then(
      ({ view }) => this.#reader.release(view),
      () => {},
    );
  }
}

function plain(matchers: readonly Matcher[]): { type: Matcher["type"]; name: string; value: string }[] {
  return matchers.map(({ type, name, value }) => ({ type, name, value }));
}
